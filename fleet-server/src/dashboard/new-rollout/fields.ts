import type { Faults } from './request.ts';

/** Fields of the request that the form has a place for, with all that lies below them. */
const PLACES: readonly string[] = [
  ...['model', 'version', 'devices', 'waves', 'kind', 'promote', 'shadow', 'ab', 'gates'],
  ...['soakMs', 'approval', 'startMs', 'maintenance', 'maxInFlight', 'priority'],
];

/** What is wrong at a field, or in what lies below it. */
export function faultOf(faults: Faults, field: string): string {
  const key = Object.keys(faults).find((name) => name === field || name.startsWith(`${field}.`));
  return key === undefined ? '' : (faults[key] ?? '');
}

/** What is wrong and has no place in the form. */
export function unplaced(faults: Faults): string {
  const key = Object.keys(faults).find((name) => !PLACES.includes(name.split('.')[0] ?? ''));
  return key === undefined ? '' : (faults[key] ?? '');
}

/** Id of the control of a field. */
export const idOf = (field: string): string => `new-${field.replaceAll('.', '-')}`;
