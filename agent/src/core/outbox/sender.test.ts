import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../node/system-clock.ts';
import { createPowerCutStorage } from '../../testing/power-cut-storage.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { createSender } from './sender.ts';

const fast = { interval: 2, timeout: 5000 };
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

async function bed(records: number, options = { window: 4, resendMs: 10_000 }) {
  const outbox = await openOutbox(createPowerCutStorage(), () => '0123456789abcdef');
  for (let i = 0; i < records; i++) await outbox.append('telemetry', { window: {} }, 0);
  const sender = createSender(outbox, systemClock, logger, options);
  const sent: number[] = [];
  const stopping = new AbortController();
  const run = (publish = async () => undefined) =>
    sender.run(async (_topic, payload) => {
      sent.push(payload.length);
      await publish();
    }, stopping.signal);
  return { outbox, sender, sent, run, stop: () => stopping.abort() };
}

const settle = (outbox: Outbox, first: number, last: number) =>
  outbox.settle({ outbox: outbox.id, stored: [{ first, last }], rejected: [] });

describe('sender', () => {
  test('keeps a window of unacknowledged records, and moves it with each acknowledgement', async () => {
    const { outbox, sender, sent, run, stop } = await bed(10);
    const running = run();
    await vi.waitFor(() => expect(sent).toHaveLength(4), fast);
    settle(outbox, 1, 3);
    sender.wake();
    await vi.waitFor(() => expect(sent).toHaveLength(7), fast);
    settle(outbox, 4, 10);
    sender.wake();
    stop();
    await running;
    expect(outbox.counts().pending).toBe(0);
  });

  test('sends again what was not acknowledged in time', async () => {
    const { sent, run, stop } = await bed(2, { window: 4, resendMs: 30 });
    const running = run();
    await vi.waitFor(() => expect(sent.length).toBeGreaterThanOrEqual(6), fast);
    stop();
    await running;
  });

  test('sends what is appended while it waits, and outlives a publish that fails', async () => {
    const { outbox, sender, sent, run, stop } = await bed(1, { window: 4, resendMs: 30 });
    let failures = 1;
    const running = run(async () => {
      if (failures-- > 0) throw new Error('gone');
      return undefined;
    });
    await vi.waitFor(() => expect(sent).toHaveLength(2), fast);
    settle(outbox, 1, 1);
    await outbox.append('report', { outcome: {} }, 0);
    sender.wake();
    await vi.waitFor(() => expect(sent.length).toBeGreaterThanOrEqual(3), fast);
    stop();
    await running;
  });
});
