import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import type { JsonlConfig } from './schema.ts';
import { DEFAULT_TRIES, type Parcel, type Sink, type SinkPorts } from './sink.ts';
import { byteCount, milliseconds } from './units.ts';

/** Few and larger writes spare an SD card, which rewrites a whole block for each. */
const FLUSH = '1s';
const SYNC = '60s';
const ROOM = 4096;

/** Lines of JSON at the end of a file, which is begun anew at a size. */
export function jsonlSink(config: JsonlConfig, { folder, clock }: SinkPorts): Sink {
  const { jsonl, rotate, flush = FLUSH, sync = SYNC, queue = ROOM } = config;
  const path = resolve(folder, jsonl);
  const label = `jsonl ${jsonl}`;
  const syncMs = milliseconds(sync);
  let file: { readonly handle: FileHandle; bytes: number; syncedMs: number } | undefined;

  async function opened() {
    if (file !== undefined) return file;
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, 'a+', 0o640);
    const { size } = await handle.stat();
    file = { handle, bytes: size, syncedMs: clock.monotonic() };
    if (size > 0 && !(await endsLine(handle, size))) await write(file, '\n');
    return file;
  }

  async function write(into: NonNullable<typeof file>, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await into.handle.appendFile(bytes);
    into.bytes += bytes.length;
  }

  async function close(): Promise<void> {
    const closing = file?.handle;
    file = undefined;
    if (closing === undefined) return;
    await closing.sync().finally(() => closing.close());
  }

  return {
    label,
    batch: ROOM,
    gatherMs: milliseconds(flush),
    room: queue,
    tries: DEFAULT_TRIES,
    async deliver(parcels, signal) {
      try {
        const into = await opened();
        await write(into, linesOf(parcels));
        if (clock.monotonic() - into.syncedMs >= syncMs) {
          await into.handle.sync();
          into.syncedMs = clock.monotonic();
        }
        if (rotate === undefined || into.bytes < byteCount(rotate.bytes)) return;
        await close();
        await shift(path, rotate.keep);
      } catch (cause) {
        await close().catch(() => undefined);
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new FlotillaError('flow.sink-failed', { sink: label, reason }, { cause });
      } finally {
        // whoever closed it meanwhile did not find it open yet
        if (signal.aborted) await close();
      }
    },
    close,
  };
}

const linesOf = (parcels: readonly Parcel[]): string =>
  parcels.map(({ json }) => `${json}\n`).join('');

/** A power cut may leave half a line, which must not run into the next. */
async function endsLine(handle: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === '\n';
}

/** `out.jsonl` becomes `out.jsonl.1`, that `.2`, and so on; what is beyond `keep` goes. */
async function shift(path: string, keep: number): Promise<void> {
  if (keep === 0) return rm(path, { force: true });
  for (let number = keep - 1; number >= 0; number--) {
    const from = number === 0 ? path : `${path}.${number}`;
    await rename(from, `${path}.${number + 1}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}
