import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';

/** What a cut leaves of names that were not synced: nothing, or the name without its content. */
export type CutMode = 'names-lost' | 'names-kept';

interface Inode {
  now: Uint8Array;
  /** Content as of the last sync of the file. */
  durable: Uint8Array;
}

interface Folder {
  now: Map<string, Inode | Folder>;
  /** Names as of the last sync of the folder. */
  durable: Map<string, Inode | Folder>;
}

export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

const isFolder = (node: Inode | Folder | undefined): node is Folder =>
  node !== undefined && node.now instanceof Map;
const newFolder = (): Folder => ({ now: new Map(), durable: new Map() });

/**
 * A disk in memory that loses, at the cut, everything that was not synced: the content of files
 * and, apart from it, their names in folders. After `cutAfter` operations every call fails until
 * `restart`.
 */
export class PowerCutDisk {
  readonly #root = newFolder();
  #operations = 0;
  #cutAt = Number.POSITIVE_INFINITY;

  get operations(): number {
    return this.#operations;
  }

  cutAfter(operations: number): void {
    this.#cutAt = this.#operations + operations;
  }

  restart(mode: CutMode): void {
    this.#cutAt = Number.POSITIVE_INFINITY;
    lose(this.#root, mode);
  }

  #step(): void {
    if (this.#operations >= this.#cutAt) throw new PowerCut('power cut');
    this.#operations++;
  }

  #folder(path: string): Folder {
    let folder = this.#root;
    for (const part of path.split('/').filter(Boolean)) {
      const next = folder.now.get(part);
      if (!isFolder(next)) throw Object.assign(new Error(`ENOENT ${path}`), { code: 'ENOENT' });
      folder = next;
    }
    return folder;
  }

  #file(path: string): Inode | undefined {
    const parts = path.split('/').filter(Boolean);
    let node: Inode | Folder | undefined = this.#root;
    for (const part of parts) node = isFolder(node) ? node.now.get(part) : undefined;
    return isFolder(node) ? undefined : node;
  }

  async makeFolder(path: string): Promise<void> {
    this.#step();
    const parent = this.#folder(dirname(path));
    if (path !== '/' && !parent.now.has(basename(path)))
      parent.now.set(basename(path), newFolder());
  }

  async write(path: string, content: Uint8Array): Promise<void> {
    this.#step();
    const parent = this.#folder(dirname(path)).now;
    const file = this.#file(path) ?? { now: new Uint8Array(), durable: new Uint8Array() };
    file.now = content.slice();
    parent.set(basename(path), file);
  }

  async syncFile(path: string): Promise<void> {
    this.#step();
    const file = this.#file(path);
    if (file !== undefined) file.durable = file.now;
  }

  async syncFolder(path: string): Promise<void> {
    this.#step();
    const folder = this.#folder(path);
    folder.durable = new Map(folder.now);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    const file = this.#file(from);
    if (file === undefined) throw Object.assign(new Error(`ENOENT ${from}`), { code: 'ENOENT' });
    this.#folder(dirname(from)).now.delete(basename(from));
    this.#folder(dirname(to)).now.set(basename(to), file);
  }

  async remove(path: string): Promise<void> {
    this.#step();
    this.#folder(dirname(path)).now.delete(basename(path));
  }

  async list(path: string): Promise<string[]> {
    return [...this.#folder(path).now.keys()];
  }

  async size(path: string): Promise<number | undefined> {
    return this.#file(path)?.now.length;
  }

  read(path: string, range?: { readonly first: number; readonly last: number }): Readable {
    const content = this.#file(path)?.now ?? new Uint8Array();
    const end = range === undefined ? content.length : range.last + 1;
    return Readable.from([Buffer.from(content.slice(range?.first ?? 0, end))]);
  }
}

function lose(folder: Folder, mode: CutMode): void {
  if (mode === 'names-lost') folder.now = new Map(folder.durable);
  else folder.durable = new Map(folder.now);
  for (const node of folder.now.values()) {
    if (isFolder(node)) lose(node, mode);
    else node.now = node.durable;
  }
}
