import { type FileHandle, open } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';

/** A bundle file, open for one reading. */
export interface BundleSource {
  readonly size: number;
  /** Reads to the end, and closes the file. */
  chunks(onBytes?: (done: number) => void): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

const CHUNK = 1 << 20;

/** @throws FlotillaError `load.unreadable`, also while it is read */
export async function openBundleSource(path: string): Promise<BundleSource> {
  const unreadable = (cause: unknown): FlotillaError => {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    return new FlotillaError('load.unreadable', { file: path, reason }, { cause });
  };
  const file = await open(path, 'r').catch((cause) => {
    throw unreadable(cause);
  });
  const info = await file.stat();
  if (!info.isFile()) {
    await file.close();
    throw new FlotillaError('load.unreadable', { file: path, reason: 'it is not a file' });
  }
  return {
    size: info.size,
    close: () => file.close(),
    async *chunks(onBytes = () => undefined) {
      let done = 0;
      for (;;) {
        const chunk = await readChunk(file).catch((cause) => {
          throw unreadable(cause);
        });
        if (chunk.length === 0) return;
        done += chunk.length;
        yield chunk;
        onBytes(done);
      }
    },
  };
}

async function readChunk(file: FileHandle): Promise<Uint8Array> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK);
  return buffer.subarray(0, bytesRead);
}
