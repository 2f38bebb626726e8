import { expect, it } from 'vitest';
import type { RolloutDraft } from '../create.ts';
import { settingsOf } from '../settings.ts';
import { earliestStarts, groupDraft } from './draft.ts';

const NOW = Date.parse('2027-01-12T00:30:00Z');
const iso = (times: readonly number[]) => times.map((ms) => new Date(ms).toISOString());

function draft(settings: object, zones: readonly string[], sizes: readonly number[]): RolloutDraft {
  const request = { model: 'parts', version: 1, soakMs: 600_000, watchMs: 30_000, ...settings };
  const members = zones.map((timeZone, position) => ({
    ...{ device: `${position}`, name: '', target: 'x86-64', state: 'pending', reason: 'fits' },
    ...{ position, stratum: timeZone, timeZone, ladder: [], variant: { precision: 'int8' } },
  }));
  return { sizes, members, settings: settingsOf(request) } as unknown as RolloutDraft;
}

it('lets a wave begin when the one before can have been watched and soaked', async () => {
  const starts = await earliestStarts(draft({}, ['', '', ''], [1, 3]), NOW);
  expect(iso(starts)).toEqual(['2027-01-12T00:30:00.000Z', '2027-01-12T00:40:30.000Z']);
  const slow = draft({ rate: { perMinute: 2 } }, ['', '', '', ''], [2, 4]);
  expect(iso(await earliestStarts(slow, NOW))[1]).toBe('2027-01-12T00:41:30.000Z');
});

it('waits for the start that was set, and for the first window of any zone of the wave', async () => {
  const settings = {
    startMs: NOW + 3_600_000,
    maintenance: [{ from: '04:00', to: '05:00' }],
  };
  const zones = ['UTC', 'Europe/Paris', 'UTC'];
  expect(iso(await earliestStarts(draft(settings, zones, [1, 3]), NOW))).toEqual([
    '2027-01-12T04:00:00.000Z',
    '2027-01-12T04:10:30.000Z',
  ]);
  expect(iso(await earliestStarts(draft(settings, zones.toReversed(), [2, 3]), NOW))[0]).toBe(
    '2027-01-12T03:00:00.000Z',
  );
});

it('groups devices by what they get and why', async () => {
  const { members } = draft({}, ['a', 'a', 'b'], [1, 3]);
  const { groups, furtherGroups } = await groupDraft(members, (position) => (position < 1 ? 0 : 1));
  expect(groups.map(({ wave, stratum, devices }) => [wave, stratum, devices])).toEqual([
    [0, 'a', 1],
    [1, 'a', 1],
    [1, 'b', 1],
  ]);
  expect(furtherGroups).toBe(0);
});
