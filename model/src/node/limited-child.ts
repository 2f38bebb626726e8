import type { FromChild, ToChild } from './limited-messages.ts';
import { toPlain } from './plain-error.ts';

/** Main module of a limited child process; see `runLimited`. */
async function main(send: (message: FromChild) => Promise<void>, order: ToChild): Promise<void> {
  try {
    const module: Record<string, unknown> = await import(order.script);
    const run = module[order.export];
    if (typeof run !== 'function') {
      throw new Error(`${order.script} exports no function ${order.export}`);
    }
    const report = (value: unknown) => send({ kind: 'progress', value });
    await send({ kind: 'done', value: await run(order.input, report) });
  } catch (error) {
    await send({ kind: 'failed', error: toPlain(error) });
  }
}

function send(message: FromChild): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = (error: Error | null) => (error ? reject(error) : resolve());
    process.send?.(message, undefined, undefined, sent);
  });
}

// Nobody is left to work for.
process.on('disconnect', () => process.exit(1));
process.once('message', async (order: ToChild) => {
  await main(send, order);
  process.exit(0);
});
