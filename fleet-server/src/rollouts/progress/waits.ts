import { needsApproval } from '../approve.ts';
import { plural } from '../gates/text.ts';
import { undecided, type Verdict } from '../gates/types.ts';
import { comparesUntilMs } from '../kinds/settings.ts';
import type { Rollout } from '../store.ts';
import type { MemberCounts, StepCount } from './counts.ts';
import type { StandingCounts } from './waves.ts';

/** What a rollout waits for before it does the next thing. */
export const WAITS = [
  'nothing',
  'start',
  'approval',
  'window',
  'devices',
  'retries',
  'gate',
  'decision',
  'soak',
  'promotion',
  'resume',
  'back',
] as const;

export interface Wait {
  readonly what: (typeof WAITS)[number];
  /** For a person; empty where it waits for nothing any more. */
  readonly sentence: string;
  /** When it goes on without anybody's doing; 0 where that is not known. */
  readonly untilMs: number;
}

export interface WaitFacts {
  readonly rollout: Rollout;
  readonly members: MemberCounts;
  /** What devices in flight are at, the most frequent first. */
  readonly steps: readonly StepCount[];
  /** Devices in flight that are not connected. */
  readonly away: number;
  /** When a window opens for a device that is still to be asked; 0 where one is open. */
  readonly windowMs: number;
  readonly verdicts: readonly Pick<Verdict, 'gate' | 'state' | 'sentence' | 'numbers'>[];
  readonly now: number;
}

/** Says in words what the planner waits for; the same facts as it has, summed up. */
export function waitOf(facts: WaitFacts): Wait {
  const { rollout } = facts;
  switch (rollout.state) {
    case 'paused':
      return { what: 'resume', sentence: 'a person to resume it', untilMs: endsMs(rollout) };
    case 'halted':
      return waitForBack(facts);
    case 'running':
      return waitOfRunning(facts);
    case 'done':
    case 'rolled-back':
    case 'aborted':
      return { what: 'nothing', sentence: '', untilMs: 0 };
  }
}

/** When a comparison ends though nobody does anything; 0 for an update. */
const endsMs = (rollout: Rollout): number =>
  rollout.kind === 'update' ? 0 : comparesUntilMs(rollout);

function waitForBack({ members, away }: WaitFacts): Wait {
  const on = total(members.byWave, 'rolling-back');
  const sentence = `${plural(on, 'device')} on the way back to the version before${awayText(away)}`;
  return { what: 'back', sentence, untilMs: 0 };
}

function waitOfRunning(facts: WaitFacts): Wait {
  const { rollout, members } = facts;
  if (rollout.wave < 0) return waitToOpen(facts) ?? OPENS;
  const open = upTo(members.byWave, rollout.wave);
  const asked = (open.sent ?? 0) + (open['in-progress'] ?? 0);
  const pending = open.pending ?? 0;
  if (asked + pending > 0) return waitForDevices(facts, { asked, pending });
  if (members.retrying > 0) return waitForRetries(facts);
  return waitForEvidence(facts);
}

const OPENS: Wait = { what: 'devices', sentence: 'the next wave to open', untilMs: 0 };

const nameOf = ({ wave, sizes }: Rollout): string => `wave ${wave + 1} of ${sizes.length}`;

/** What keeps the next wave from opening though all before it is well. */
function waitToOpen({ rollout, now }: WaitFacts): Wait | undefined {
  const { startMs } = rollout.settings;
  if (startMs > now) return { what: 'start', sentence: 'the time of its start', untilMs: startMs };
  if (!needsApproval(rollout)) return undefined;
  const next = nameOf({ ...rollout, wave: rollout.wave + 1 });
  return { what: 'approval', sentence: `an approver to let ${next} open`, untilMs: 0 };
}

interface AtWork {
  readonly asked: number;
  readonly pending: number;
}

function waitForDevices(
  { rollout, steps, away, windowMs }: WaitFacts,
  { asked, pending }: AtWork,
): Wait {
  const { rate, maxInFlight } = rollout.settings;
  const more = pending > 0 ? `, ${plural(pending, 'device')} still to be asked` : '';
  const closed = pending > 0 && windowMs > 0;
  const paced = pending > 0 && !closed;
  const pace = [
    closed ? 'when their maintenance window opens' : '',
    paced && rate !== undefined ? 'as the rate allows' : '',
    paced && maxInFlight !== undefined ? `${maxInFlight} at a time` : '',
  ].filter((part) => part !== '');
  const how = pace.length === 0 ? '' : ` ${pace.join(', ')}`;
  const sentence = `${nameOf(rollout)}: ${plural(asked, 'device')} at work${workText(steps, away)}${more}${how}`;
  if (closed && asked === 0) return { what: 'window', sentence, untilMs: windowMs };
  return { what: 'devices', sentence, untilMs: 0 };
}

function waitForRetries({ rollout, members }: WaitFacts): Wait {
  const sentence = `${nameOf(rollout)}: ${plural(members.retrying, 'device')} to be tried again`;
  return { what: 'retries', sentence, untilMs: members.nextDueMs };
}

/** The wave has ended: its soak, its gates, then a person. */
function waitForEvidence(facts: WaitFacts): Wait {
  const { rollout, members, verdicts, now } = facts;
  const { soakMs, maxSoakMs } = rollout.settings;
  const soakedMs = members.settledMs + soakMs;
  const last = rollout.wave + 1 >= rollout.sizes.length;
  if (soakedMs <= now && last && rollout.kind !== 'update') return waitForPromotion(rollout);
  const waiting = verdicts.filter(({ state }) => state === 'waiting');
  const suspicious = heldBy(facts);
  const shown = suspicious ?? waiting[0];
  if (shown !== undefined) {
    const others = waiting.length - 1;
    const further = others > 0 ? ` (and ${plural(others, 'further gate')})` : '';
    const sentence = `${nameOf(rollout)}: ${shown.sentence.replace(/: waiting$/, '')}${further}`;
    if (suspicious === undefined) {
      return { what: 'gate', sentence, untilMs: members.settledMs + maxSoakMs };
    }
    const person = '; approve the next wave or abort if it stays so';
    return { what: 'decision', sentence: sentence + person, untilMs: 0 };
  }
  if (soakedMs <= now && !last) return waitToOpen(facts) ?? OPENS;
  const next = last ? 'it is done' : `${nameOf({ ...rollout, wave: rollout.wave + 1 })} opens`;
  const sentence = `${nameOf(rollout)} to have soaked, then ${next}`;
  return { what: 'soak', sentence, untilMs: soakedMs };
}

/** A shadow or an A/B rollout compares until somebody decides, or its time is over. */
function waitForPromotion(rollout: Rollout): Wait {
  const sentence =
    rollout.settings.promote === 'gate'
      ? 'enough evidence to promote it, or a person to promote or abort it'
      : 'a person to promote or abort it';
  return { what: 'promotion', sentence, untilMs: endsMs(rollout) };
}

/** The gate whose suspicious evidence keeps the next wave from opening until a person decides. */
export function heldBy({ rollout, verdicts }: Pick<WaitFacts, 'rollout' | 'verdicts'>) {
  const { wave, sizes, accepted } = rollout;
  return wave >= 0 && wave + 1 < sizes.length ? undecided(verdicts, accepted)[0] : undefined;
}

/** ` (150 watch, 50 self-test; 2 of them not connected)` */
function workText(steps: readonly StepCount[], away: number): string {
  const told = steps.map(({ step, devices }) => `${devices} ${stepName(step)}`);
  const parts = [told.join(', '), away === 0 ? '' : `${away} of them not connected`];
  const text = parts.filter((part) => part !== '').join('; ');
  return text === '' ? '' : ` (${text})`;
}

/** `self-test` for the step selfTest. */
const stepName = (step: string): string =>
  step.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const awayText = (away: number): string => (away === 0 ? '' : ` (${away} of them not connected)`);

/** Devices of the open wave and those before. */
function upTo(byWave: MemberCounts['byWave'], open: number): StandingCounts {
  const sums: Record<string, number> = {};
  for (const [wave, counts] of byWave) {
    if (wave < 0 || wave > open) continue;
    for (const [standing, devices] of Object.entries(counts)) {
      sums[standing] = (sums[standing] ?? 0) + devices;
    }
  }
  return sums;
}

const total = (byWave: MemberCounts['byWave'], standing: keyof StandingCounts): number =>
  [...byWave.values()].reduce((sum, counts) => sum + (counts[standing] ?? 0), 0);
