import type { RolloutSummary } from '../../rollouts/progress/index.ts';
import { isSoon } from '../../rollouts/progress/written.ts';
import { plural } from '../app/format.ts';
import type { Draft } from './store.ts';

type Group = Draft['groups'][number];

/** Devices that get the same for the same reason. */
export interface DraftLine {
  readonly target: string;
  /** `int8, else fp32`: what is tried where the first fails. */
  readonly variant: string;
  readonly devices: number;
  readonly reason: string;
  /** Some of the devices. */
  readonly names: readonly string[];
}

const sum = (groups: readonly Group[]): number =>
  groups.reduce((total, { devices }) => total + devices, 0);

type Alike = Pick<Group, 'target' | 'precision' | 'ladder' | 'state' | 'arm' | 'reason'>;

/** Groups that are alike but for wave and stratum as one line, the largest first. */
function joined(groups: readonly Group[], reasonOf: (group: Alike) => string): DraftLine[] {
  const kinds = Map.groupBy(groups, (group) => partsOf(group, reasonOf).join('\n'));
  return [...kinds.values()]
    .map((some) => {
      const [target, variant, reason] = partsOf(some[0]!, reasonOf);
      return { target, variant, reason, devices: sum(some), names: [] };
    })
    .sort((a, b) => b.devices - a.devices);
}

function partsOf(alike: Alike, reasonOf: (alike: Alike) => string) {
  const { target, precision, ladder, state } = alike;
  const taken = ladder.length > 1 ? ladder.join(', else ') : precision;
  return [target, state === 'pending' ? taken : '', reasonOf(alike)] as const;
}

/** Devices that a line names. */
const NAMED = 3;

/** Which variant goes where, and why. */
export const variantLines = ({ groups }: Pick<Draft, 'groups'>): DraftLine[] =>
  joined(
    groups.filter(({ wave }) => wave >= 0),
    ({ reason }) => reason,
  );

/** Who matches and takes no part, and why. */
export function leftOutLines({ groups, devices, ...draft }: Draft): DraftLine[] {
  const { model, version } = draft;
  const has = `${model}@${version} runs there already`;
  const reasonOf = ({ state, arm, reason }: Alike) =>
    state === 'unchanged' && arm === '' ? has : reason;
  // which devices are arm A is drawn anew when the rollout is made
  const left = devices.filter(({ wave, arm }) => wave < 0 && arm === '');
  const names = Map.groupBy(left, (device) => partsOf(device, reasonOf).join('\n'));
  const lines = joined(
    groups.filter(({ wave }) => wave < 0),
    reasonOf,
  );
  return lines.map((line) => {
    const some = names.get([line.target, line.variant, line.reason].join('\n')) ?? [];
    return { ...line, names: some.slice(0, NAMED).map(({ name, device }) => name || device) };
  });
}

export interface Asker {
  readonly mayApprove: boolean;
}

/** What the server warns of, and what else a person may not have meant. */
export function warningsOf(draft: Draft, { mayApprove }: Asker): string[] {
  const { sizes, startsMs, settings } = draft;
  const { approval = 'none', gates } = settings;
  const all = sizes.at(-1) ?? 0;
  const warnings = draft.warnings.map((text) => `${text}.`);
  for (const [wave, startMs] of startsMs.entries()) {
    if (startMs > 0) continue;
    warnings.push(`The maintenance windows of wave ${wave + 1} do not open within two weeks.`);
  }
  if (sizes.length === 1 && all > 1) {
    warnings.push(`All ${plural(all, 'device')} are in one wave: no gate can spare any of them.`);
  } else if (all > 1 && sizes[0] === 1) {
    warnings.push(
      'A first wave of one device finds a version that is broken, not one that is a little worse.',
    );
  }
  if (gates.disabled.includes('activations')) {
    warnings.push('The gate on activations is off: a version that does not start is not stopped.');
  }
  if (approval !== 'none' && !mayApprove) {
    warnings.push('It waits for an approval, which your token may not give.');
  }
  return warnings;
}

/** A rollout that may hold devices. */
export type Holder = Pick<RolloutSummary, 'id' | 'slot' | 'version' | 'state' | 'endedMs'>;

/** Those that hold devices in a slot; one that was halted has let go of them. */
export const holdersOf = (wanted: string, rollouts: readonly Holder[]): Holder[] =>
  rollouts.filter(
    ({ slot, state, endedMs }) => slot === wanted && state !== 'halted' && endedMs === 0,
  );

/** @param written of a time */
export function beginText(startMs: number, nowMs: number, written: (ms: number) => string): string {
  if (startMs === 0) return 'not within two weeks';
  return isSoon(startMs, nowMs) ? 'at once' : `${written(startMs)} at the earliest`;
}
