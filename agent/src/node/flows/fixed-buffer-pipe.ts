import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As much as the kernel hands over at once. */
const BUFFER_BYTES = 256 << 10;

/** A pipe whose writing end goes to a child process, and which is read into one buffer for ever. */
export interface FixedBufferPipe {
  /** For `stdio` of the child; to be destroyed here when the child has it. */
  readonly writer: Socket;
  /** Resolves when the writer is gone and all was handled; rejects with what the handler throws. */
  readonly ended: Promise<void>;
  destroy(): void;
}

/**
 * A child's own `stdout` makes a new buffer for each read: at the 28 MB/s of a camera that is garbage
 * faster than it is collected, and costs 100 MB of memory. A socket that is made here can be given one
 * (`onread`, nodejs.org/api/net.html), and a Unix socket is the only pair of ends that Node makes.
 *
 * @param handle of the next bytes, which are overwritten when it returns, or its promise resolves
 */
export async function openFixedBufferPipe(
  handle: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<FixedBufferPipe> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-pipe-'));
  const server = createServer();
  try {
    const path = join(folder, 'pipe');
    const accepted = once(server, 'connection');
    server.listen(path);
    await once(server, 'listening');
    const { reader, ended } = read(path, handle);
    const [writer] = (await accepted) as [Socket];
    return { writer, ended, destroy: () => reader.destroy() };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function read(path: string, handle: (chunk: Uint8Array) => Promise<void> | undefined) {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  ended.catch(() => undefined);
  const fail = (error: unknown) => {
    reject(error);
    reader.destroy();
  };
  const reader = dial({
    path,
    onread: {
      buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
      callback(length, buffer) {
        try {
          const busy = handle(buffer.subarray(0, length));
          busy?.then(() => reader.resume(), fail);
          return busy === undefined;
        } catch (error) {
          fail(error);
          return false;
        }
      },
    },
  });
  reader.on('error', fail).once('close', () => resolve());
  return { reader, ended };
}
