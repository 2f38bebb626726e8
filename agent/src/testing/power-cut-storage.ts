import { folderOf } from '../core/durable.ts';
import type { Storage } from '../core/ports.ts';

/** Thrown by every operation once the power is gone. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/**
 * What survives of unsynced work: `nothing`; `names` without the content behind them (the files
 * that ext4 once left empty after rename without fsync); or a `torn` part of each append.
 */
export type Loss = 'nothing' | 'names' | 'torn';

interface File {
  content: Uint8Array;
  synced: Uint8Array;
}

export interface PowerCutStorage extends Storage {
  /** Operations that change something, so far. */
  readonly operations: number;
  /** The power goes just before the change with that number (0 is the first). */
  cutAt(operation: number): void;
  /** The power is gone now. */
  cut(): void;
  /** What is on the medium afterwards, ready for the next start. */
  restart(loss: Loss): PowerCutStorage;
}

/** A storage in memory that forgets at a power cut what was not synced. */
export function createPowerCutStorage(
  names: Map<string, File> = new Map(),
  folders: Set<string> = new Set(['.']),
): PowerCutStorage {
  const durable = new Map(names);
  let operations = 0;
  let limit = Number.POSITIVE_INFINITY;

  const alive = () => {
    if (operations >= limit) throw new PowerCut('the power is gone');
  };
  const change = () => {
    alive();
    operations++;
  };
  const file = (path: string): File => {
    const found = names.get(path);
    if (found === undefined) throw new Error(`no file ${path}`);
    return found;
  };
  const create = (path: string): File => {
    if (!folders.has(folderOf(path))) throw new Error(`no folder for ${path}`);
    const made = { content: new Uint8Array(), synced: new Uint8Array() };
    names.set(path, made);
    return made;
  };

  return {
    get operations() {
      return operations;
    },
    cutAt: (operation) => {
      limit = operation;
    },
    cut: () => {
      limit = operations;
    },
    restart: (loss) => createPowerCutStorage(survivors(names, durable, loss), new Set(folders)),
    async read(path) {
      alive();
      return names.get(path)?.content.slice();
    },
    async readRange(path, offset, length) {
      alive();
      return names.get(path)?.content.slice(offset, offset + length);
    },
    async size(path) {
      alive();
      return names.get(path)?.content.length;
    },
    async list(folder) {
      alive();
      return [...names.keys()]
        .filter((path) => folderOf(path) === folder)
        .map((path) => path.slice(folder === '.' ? 0 : folder.length + 1))
        .sort();
    },
    async makeFolder(folder) {
      change();
      folders.add(folder);
    },
    async write(path, bytes) {
      change();
      const target = names.get(path) ?? create(path);
      target.content = new Uint8Array(bytes);
    },
    async append(path, bytes) {
      change();
      const target = names.get(path) ?? create(path);
      target.content = concat(target.content, bytes);
    },
    async sync(path) {
      change();
      file(path).synced = file(path).content;
    },
    async syncFolder(folder) {
      change();
      for (const path of durable.keys()) {
        if (folderOf(path) === folder && !names.has(path)) durable.delete(path);
      }
      for (const [path, content] of names) {
        if (folderOf(path) === folder) durable.set(path, content);
      }
    },
    async rename(from, to) {
      change();
      names.set(to, file(from));
      names.delete(from);
    },
    async remove(path) {
      change();
      names.delete(path);
    },
    async free() {
      return 1 << 30;
    },
  };
}

function survivors(
  names: ReadonlyMap<string, File>,
  durable: ReadonlyMap<string, File>,
  loss: Loss,
): Map<string, File> {
  const left = new Map<string, File>();
  for (const [path, { content, synced }] of loss === 'names' ? names : durable) {
    const kept = loss === 'torn' ? torn(content, synced) : synced;
    left.set(path, { content: kept, synced: kept });
  }
  return left;
}

/** Half of what was appended since the last sync. */
function torn(content: Uint8Array, synced: Uint8Array): Uint8Array {
  const appended = content.length > synced.length && starts(content, synced);
  if (!appended) return synced;
  return content.slice(0, Math.ceil((content.length + synced.length) / 2));
}

const starts = (long: Uint8Array, short: Uint8Array) => short.every((byte, i) => long[i] === byte);

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
