import { isSoon, type RolloutDraft } from '@flotilla/fleet-server/progress';
import { table } from '../ui/table.ts';
import { count, duration } from './text.ts';

type Group = RolloutDraft['groups'][number];

/** Devices that are listed one by one; a larger draft is summed up. */
const LISTED = 40;

/** What a rollout would be: waves with their devices, and which variant goes where and why. */
export function draftText(draft: RolloutDraft, columns: number, now: number): string {
  const { devices, groups } = draft;
  const apart = groups.filter(({ wave }) => wave < 0);
  const total = devices.length <= LISTED && draft.matched === devices.length;
  const parts = total
    ? [deviceTable(draft, columns)]
    : [waveTable(draft, columns), variantTable(groups, columns)];
  if (!total && apart.length > 0) parts.push(apartTable(apart, columns));
  parts.push(...wavesText(draft, now), ...draft.warnings.map((warning) => `! ${warning}`));
  return parts.join('\n\n');
}

/** What each wave reaches, and when it could begin at the earliest. */
function wavesText({ sizes, startsMs, settings }: RolloutDraft, now: number): string[] {
  const { approval = 'none' } = settings;
  const lines = sizes.map((size, wave) => {
    const asks = approval === 'each' || (approval === 'start' && wave === 0);
    const approved = asks ? ', once it is approved' : '';
    return `wave ${wave + 1} reaches ${count(size)}, ${beginText(startsMs[wave] ?? 0, now)}${approved}`;
  });
  return [lines.join('\n')];
}

const MINUTE = 60_000;

function beginText(startMs: number, now: number): string {
  if (startMs === 0) return 'whose windows do not open within two weeks';
  if (isSoon(startMs, now)) return 'begins at once';
  const time = startMs - now < MINUTE ? '' : ` (${timeOf(startMs)})`;
  return `begins in ${duration(startMs - now)} at the earliest${time}`;
}

const timeOf = (ms: number): string =>
  new Date(ms).toLocaleString('en-GB', {
    ...{ weekday: 'short', day: 'numeric', month: 'short' },
    ...{ hour: '2-digit', minute: '2-digit' },
  });

function deviceTable({ devices }: RolloutDraft, columns: number): string {
  const rows = devices.map((device) => [
    device.name || device.device,
    device.stratum || device.target,
    device.wave < 0 ? apartOf(device) : `${device.wave + 1}`,
    ladderText(device),
    device.reason,
  ]);
  return table(['device', 'stratum', 'wave', 'variant', 'why'], rows, columns);
}

/** Strata that have a row of their own. */
const STRATA = 20;

/** Devices of each stratum by wave. */
function waveTable({ groups, sizes, furtherGroups }: RolloutDraft, columns: number): string {
  const taking = groups.filter(({ wave }) => wave >= 0);
  const strata = [...Map.groupBy(taking, ({ stratum, target }) => stratum || target)]
    .map(([name, some]) => ({ name, some, all: sum(some) }))
    .sort((a, b) => b.all - a.all);
  const cells = (some: readonly Group[]) =>
    sizes.map((_, wave) => count(sum(some.filter((group) => group.wave === wave))));
  const rows = strata
    .slice(0, STRATA)
    .map(({ name, some, all }) => [name, ...cells(some), count(all)]);
  const rest = strata.slice(STRATA);
  if (rest.length > 0 || furtherGroups > 0) {
    const some = rest.flatMap((one) => one.some);
    rows.push([
      `${count(rest.length)} further ${rest.length === 1 ? 'stratum' : 'strata'}`,
      ...cells(some),
      count(sum(some)),
    ]);
  }
  const waves = sizes.map((_, wave) => `wave ${wave + 1}`);
  return table(['devices', ...waves, 'all'], rows, columns);
}

/** Which variant goes to how many devices, and why. */
function variantTable(groups: readonly Group[], columns: number): string {
  const taking = groups.filter(({ wave }) => wave >= 0);
  const kinds = Map.groupBy(taking, ({ target, precision, ladder, reason }) =>
    [target, precision, ladder, reason].join('\n'),
  );
  const rows = [...kinds.values()]
    .toSorted((a, b) => sum(b) - sum(a))
    .map((some) => [
      some[0]?.target ?? '',
      some[0] === undefined ? '' : ladderText(some[0]),
      count(sum(some)),
      some[0]?.reason ?? '',
    ]);
  return table(['target', 'variant', 'devices', 'why'], rows, columns);
}

/** `int8, else fp32`: what is tried where the first fails. */
const ladderText = ({ precision, ladder }: Pick<Group, 'precision' | 'ladder'>): string =>
  ladder.length > 1 ? ladder.join(', else ') : precision;

/** Why devices are in no wave; those that a comparison leaves as they are, are a part of it. */
const apartOf = ({ state, arm }: Pick<Group, 'state' | 'arm'>): string =>
  arm === 'control' ? 'arm A' : state;

/** Devices that match and take no part. */
function apartTable(groups: readonly Group[], columns: number): string {
  const rows = groups.map((group) => [
    group.target,
    apartOf(group),
    count(group.devices),
    group.reason,
  ]);
  return table(['target', 'not in a wave', 'devices', 'why'], rows, columns);
}

const sum = (groups: readonly Group[]): number =>
  groups.reduce((total, { devices }) => total + devices, 0);
