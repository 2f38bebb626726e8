import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FleetRow, SlotRow } from '../data/schemas.ts';
import { countText, driftOf, type Line, linesOf, matches, sortLines } from './table.ts';

const slotOf = (version: number, p95Ms: number, driftedFeatures = 0): SlotRow => ({
  slot: 'parts',
  model: 'parts',
  version,
  precision: 'int8',
  window: {
    endMs: 1,
    inferences: 10,
    errors: 0,
    p50Ms: 1,
    p95Ms,
    confidence: 0.9,
    driftedFeatures,
  },
});

const rowOf = (name: string, slots: SlotRow[], rest: Partial<FleetRow> = {}): FleetRow => ({
  device: `id-${name}`,
  name,
  status: 'accepted',
  target: 'raspberry-pi-5',
  online: true,
  lastSeenMs: 5,
  agentVersion: '0.1.0',
  incompatible: '',
  slots,
  inferencesDay: 3,
  alerts: 0,
  ...rest,
});

const names = (lines: readonly Line[]) => lines.map(({ row }) => row.name);

test('a device has a line for each slot, and one where it runs nothing', () => {
  const lines = linesOf([
    rowOf('two', [slotOf(1, 1), { ...slotOf(2, 1), slot: 'doors' }]),
    rowOf('none', []),
  ]);
  expect(lines.map(({ key }) => key)).toEqual(['id-two/parts', 'id-two/doors', 'id-none']);
});

test('devices are counted, not their slots', () => {
  const rows = [rowOf('two', [slotOf(1, 1), { ...slotOf(2, 1), slot: 'doors' }]), rowOf('one', [])];
  const lines = linesOf(rows);
  expect(countText(lines, rows.length)).toBe('2 devices');
  expect(countText(lines.slice(0, 2), rows.length)).toBe('1 of 2 match');
  expect(lines.filter((line) => matches(line, 'doors'))).toHaveLength(1);
});

test('names sort as people count, versions as numbers, and what is not measured is least', () => {
  const lines = linesOf([
    rowOf('pi-10', [slotOf(2, 30)]),
    rowOf('pi-9', [slotOf(10, 5)]),
    rowOf('pi-1', []),
  ]);
  expect(names(sortLines(lines, { column: 'name', descending: false }))).toEqual([
    'pi-1',
    'pi-9',
    'pi-10',
  ]);
  expect(names(sortLines(lines, { column: 'model', descending: true }))).toEqual([
    'pi-9',
    'pi-10',
    'pi-1',
  ]);
  expect(names(sortLines(lines, { column: 'latency', descending: false }))).toEqual([
    'pi-1',
    'pi-9',
    'pi-10',
  ]);
});

test('the order does not depend on the order in which rows came', () => {
  const lines = linesOf(['c', 'a', 'b', 'A'].map((name) => rowOf(name, [slotOf(1, 1)])));
  const order = { column: 'latency', descending: true } as const;
  const expected = names(sortLines(lines, order));
  fc.assert(
    fc.property(fc.shuffledSubarray(lines, { minLength: 4 }), (shuffled) => {
      expect(names(sortLines(shuffled, order))).toEqual(expected);
    }),
  );
});

test('every word of the filter must occur', () => {
  const [line] = linesOf([rowOf('Lyon <b>gate', [slotOf(3, 1)])]);
  expect(matches(line!, '')).toBe(true);
  expect(matches(line!, 'lyon parts@3 INT8 online')).toBe(true);
  expect(matches(line!, 'lyon offline')).toBe(false);
  expect(matches(line!, '<b>')).toBe(true);
});

test("the server's alert outranks the device's own test", () => {
  const one = (row: FleetRow) => driftOf(linesOf([row])[0]!);
  expect(one(rowOf('a', [slotOf(1, 1)], { alerts: 1 }))).toBe('drifting');
  expect(one(rowOf('a', [slotOf(1, 1, 2)]))).toBe('suspect');
  expect(one(rowOf('a', [slotOf(1, 1)]))).toBe('steady');
  expect(one(rowOf('a', [{ ...slotOf(1, 1), window: null }]))).toBe('unknown');
});
