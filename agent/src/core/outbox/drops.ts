import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { replaceFile } from '../durable.ts';
import type { Storage } from '../ports.ts';

const Count = Type.Integer({ minimum: 0 });
const Dropped = Type.Object({ count: Count, through: Count });

/** What was dropped from an outbox over its whole life. */
export interface Drops extends Readonly<Static<typeof Dropped>> {
  /** `through`: the newest record that was dropped; all before it are gone too. */
  add(count: number, through: number): Promise<void>;
}

/**
 * Counts what is dropped, so that a device that lost telemetry says so after a restart too. It is
 * written before the records are removed and names the last of them: a power cut in between neither
 * loses the count nor counts them twice.
 */
export async function openDrops(storage: Storage, file: string): Promise<Drops> {
  let dropped = read(await storage.read(file));
  return {
    get count() {
      return dropped.count;
    },
    get through() {
      return dropped.through;
    },
    async add(count, through) {
      dropped = { count: dropped.count + count, through: Math.max(dropped.through, through) };
      await replaceFile(storage, file, new TextEncoder().encode(JSON.stringify(dropped)));
    },
  };
}

function read(bytes: Uint8Array | undefined): Static<typeof Dropped> {
  const none = { count: 0, through: 0 };
  if (bytes === undefined) return none;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return Value.Check(Dropped, value) ? value : none;
  } catch {
    // a count is no reason not to start
    return none;
  }
}
