import { keyOf } from '../selectors/keys.ts';
import { DeviceView, type JsonColumn, type SelectableRow } from '../selectors/view.ts';

/** What the order and the hours of a device in a rollout depend on. */
export interface Traits {
  /** Values of the keys that waves are balanced over, such as `raspberry-pi-5 / lyon`. */
  readonly stratum: string;
  /** Zone that its clock is set to, or that its tag `timezone` names; empty where neither is known. */
  readonly timeZone: string;
}

export interface TraitsReader {
  /** Columns that it reads beside the plain ones. */
  readonly columns: readonly JsonColumn[];
  read(row: SelectableRow): Traits;
}

const MAX_LENGTH = 200;

/** @param stratify keys of selectors, or tags, by whose values waves are balanced */
export function traitsReader(stratify: readonly string[], now: number): TraitsReader {
  const zone = keyOf('timezone');
  const keys = stratify.map(keyOf);
  const columns = [...keys, zone].flatMap(({ column }) => (column === undefined ? [] : [column]));
  return {
    columns: [...new Set(columns)],
    read(row) {
      const view = new DeviceView(row, now);
      const values = keys.map((key) => key.read(view).join(',') || '-');
      const timeZone = String(zone.read(view)[0] ?? '').slice(0, MAX_LENGTH);
      return { stratum: values.join(' / ').slice(0, MAX_LENGTH), timeZone };
    },
  };
}
