import type { Active, Capabilities } from '@flotilla/protocol';
import { parseSaid, readSaid, type Said } from '../devices/capabilities.ts';
import type { DeviceRow } from '../devices/store.ts';

/** Columns of JSON, which are read and parsed only for a selector that asks about them. */
export type JsonColumn = 'tags' | 'capabilities' | 'active';

export const PLAIN_COLUMNS = [
  'device',
  'name',
  'status',
  'target',
  'online',
  'agent_version',
  'protocol_minor',
  'enrolled_ms',
  'last_seen_ms',
  'time_zone',
] as const satisfies readonly (keyof DeviceRow)[];

export type SelectableRow = Pick<DeviceRow, (typeof PLAIN_COLUMNS)[number]> &
  Partial<Pick<DeviceRow, JsonColumn>>;

/** A device as a selector sees it; its JSON is parsed once at most. */
export class DeviceView {
  readonly row: SelectableRow;
  readonly now: number;
  #tags: Readonly<Record<string, string>> | undefined;
  #said: Said | undefined;
  #active: readonly Partial<Active>[] | undefined;
  readonly #groups = new Map<string, boolean>();

  constructor(row: SelectableRow, now: number) {
    this.row = row;
    this.now = now;
  }

  get tags(): Readonly<Record<string, string>> {
    this.#tags ??= JSON.parse(this.row.tags ?? '{}') as Record<string, string>;
    return this.#tags;
  }

  /** Of what the device said of itself. */
  capability<K extends keyof Capabilities>(key: K): Capabilities[K] {
    this.#said ??= parseSaid(this.row.capabilities ?? '{}');
    return readSaid(this.#said, key);
  }

  get active(): readonly Partial<Active>[] {
    this.#active ??= JSON.parse(this.row.active ?? '[]') as Partial<Active>[];
    return this.#active;
  }

  /** Judged once for each group, however often a selector and its groups name it. */
  isIn(group: string, judge: (device: DeviceView) => boolean): boolean {
    const known = this.#groups.get(group) ?? judge(this);
    this.#groups.set(group, known);
    return known;
  }

  tag(key: string): readonly string[] {
    return Object.hasOwn(this.tags, key) ? [this.tags[key] ?? ''] : [];
  }
}
