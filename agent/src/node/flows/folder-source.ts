import { constants, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { createWakeup } from '../../core/index.ts';
import { type Done, rememberDone } from './folder-done.ts';
import { createFolderScan, type FoundFile, pathOf } from './folder-scan.ts';
import type { Item } from './inlet.ts';
import type { FolderConfig } from './schema.ts';
import { type Source, type SourceOutput, type SourcePorts, stamp } from './source.ts';
import { byteCount, milliseconds } from './units.ts';

const SETTLE = '500ms';
const MAX_BYTES = '64MB';
/** Where the kernel tells of no change, as on a network share, a look now and then finds it. */
const RESCAN_MS = 5_000;
const GATHER_MS = 50;

/** Files of a folder, oldest first, each once and as soon as it is complete. */
export function folderSource(config: FolderConfig, ports: SourcePorts): Source {
  const { settle = SETTLE, after = 'move', extensions, maxBytes = MAX_BYTES } = config;
  const folder = resolve(ports.folder, config.folder);
  const label = `folder ${config.folder}`;
  const settleMs = milliseconds(settle);
  const limit = byteCount(maxBytes);

  return {
    label,
    lossless: true,
    room: 1,
    async run({ emit, refuse }, signal) {
      const done = await rememberDone(folder, after).catch((cause) => fail(cause));
      const look = createFolderScan({ folder, extensions, settleMs, clock: ports.clock });
      const wakeup = createWakeup(ports.clock);
      const watcher = watchFolder(folder, () => wakeup.wake());
      try {
        while (!signal.aborted) {
          const { complete, pending } = await look(done).catch((cause) => fail(cause));
          for (const file of complete) {
            if (signal.aborted) return;
            done.begin(file);
            const item = await itemOf(file, done, refuse);
            if (item !== undefined) await emit(item);
          }
          await done.save();
          await wakeup.wait(pending ? settleMs : RESCAN_MS, signal);
          // a file that is being written wakes many times
          await ports.clock.sleep(GATHER_MS, signal);
        }
      } finally {
        watcher.close();
        await done.close();
      }
    },
  };

  /** Undefined where the file cannot be read, which is told. */
  async function itemOf(
    file: FoundFile,
    done: Done,
    refuse: SourceOutput['refuse'],
  ): Promise<Item | undefined> {
    const end = (failed: boolean) =>
      done.end(file, failed).catch((error: unknown) => refuse(file.label, error));
    try {
      const raw = await read(folder, file, limit);
      return {
        raw,
        label: file.label,
        ...stamp(ports),
        // one that was never looked at is found again
        settle: (ending) => (ending === 'dropped' ? done.forget(file) : end(ending === 'failed')),
      };
    } catch (error) {
      refuse(file.label, error);
      await end(true);
      return undefined;
    }
  }

  function fail(cause: unknown): never {
    const reason = messageOf(cause);
    throw new FlotillaError('flow.source-failed', { source: label, reason }, { cause });
  }
}

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
};

/** Without the kernel's help, as where its watches are used up, looking again is enough. */
function watchFolder(folder: string, changed: () => void): { close(): void } {
  try {
    const watcher = watch(folder, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return { close: () => undefined };
  }
}

/** A link put in the file's place meanwhile is not followed, and no more than the limit is read. */
async function read(folder: string, file: FoundFile, limit: number): Promise<Uint8Array> {
  const handle = await open(
    pathOf(folder, file.name),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new Error('it is no file any more');
    if (info.size > limit) {
      throw new FlotillaError('infer.too-large', { what: file.label, bytes: info.size, limit });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
