import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { DeviceRow } from '../devices/store.ts';
import type { Selector } from './resolve.ts';
import { DeviceView, PLAIN_COLUMNS, type SelectableRow } from './view.ts';

/** Rows that come from the database in one piece: some milliseconds of the event loop. */
const PORTION = 500;
/** Ids that one query may name. */
const MAX_IDS = 500;

export interface Scan<C extends keyof DeviceRow> {
  readonly now: number;
  /** Columns that are wanted beside those that the selector reads. */
  readonly columns: readonly C[];
  /** Accepted devices only. */
  readonly accepted?: boolean;
  /** Only devices after this one. */
  readonly after?: string;
  /** Only these devices. */
  readonly among?: readonly string[];
}

export type ScannedRow<C extends keyof DeviceRow> = SelectableRow & Pick<DeviceRow, C>;

/**
 * The devices that a selector matches, in portions and by id. Between two portions the event loop
 * serves others, so a fleet of any size blocks nothing.
 */
export async function* selectDevices<C extends keyof DeviceRow>(
  db: Kysely<Database>,
  fleet: string,
  selector: Selector,
  scan: Scan<C>,
): AsyncGenerator<ScannedRow<C>[]> {
  const columns = [...new Set([...PLAIN_COLUMNS, ...selector.columns, ...scan.columns])];
  for await (const rows of portions(db, fleet, columns, scan)) {
    const found = rows.filter((row) => selector.matches(new DeviceView(row, scan.now)));
    if (found.length > 0) yield found as ScannedRow<C>[];
  }
}

type Limits = Pick<Scan<never>, 'accepted' | 'after' | 'among'>;

/** Every device within the limits, whatever it says. */
export async function* portions<C extends keyof DeviceRow>(
  db: Kysely<Database>,
  fleet: string,
  columns: readonly C[],
  { accepted = false, after = '', among }: Limits,
): AsyncGenerator<ScannedRow<C>[]> {
  let query = db.selectFrom('devices').select(columns).where('fleet', '=', fleet);
  if (accepted) query = query.where('status', '=', 'accepted');
  if (among !== undefined) {
    for (let from = 0; from < among.length; from += MAX_IDS) {
      const ids = among.slice(from, from + MAX_IDS);
      const some = query.where('device', 'in', ids).where('device', '>', after);
      yield (await some.orderBy('device').execute()) as unknown as ScannedRow<C>[];
    }
    return;
  }
  const read = async (last: string): Promise<ScannedRow<C>[]> => {
    const next = query.where('device', '>', last).orderBy('device').limit(PORTION);
    return (await next.execute()) as unknown as ScannedRow<C>[];
  };
  yield* readAhead(read, after);
}

/** Has the database read a portion while the one before is worked on. */
async function* readAhead<R extends { readonly device: string }>(
  read: (last: string) => Promise<R[]>,
  after: string,
): AsyncGenerator<R[]> {
  let pending: Promise<R[]> | undefined = read(after);
  while (pending !== undefined) {
    const rows: R[] = await pending;
    const last = rows.at(-1);
    pending = rows.length < PORTION || last === undefined ? undefined : read(last.device);
    // whoever leaves early waits for no answer, and so for no failure either
    pending?.catch(() => undefined);
    yield rows;
  }
}

/** The ids of all devices that a selector matches. */
export async function selectIds(
  db: Kysely<Database>,
  fleet: string,
  selector: Selector,
  scan: Omit<Scan<never>, 'columns'>,
): Promise<string[]> {
  const ids: string[] = [];
  for await (const rows of selectDevices(db, fleet, selector, { ...scan, columns: [] })) {
    for (const { device } of rows) ids.push(device);
  }
  return ids;
}
