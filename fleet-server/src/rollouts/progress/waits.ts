import { plural } from '../gates/text.ts';
import { isSuspicious, type Verdict } from '../gates/types.ts';
import type { Rollout } from '../store.ts';
import type { MemberCounts } from './counts.ts';
import type { StandingCounts } from './waves.ts';

/** What a rollout waits for before it does the next thing. */
export const WAITS = ['nothing', 'resume', 'devices', 'retries', 'gate', 'soak', 'back'] as const;

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
  /** Devices in flight that are not connected. */
  readonly away: number;
  readonly verdicts: readonly Pick<Verdict, 'state' | 'sentence' | 'numbers'>[];
}

/** Says in words what the planner waits for; the same facts as it has, summed up. */
export function waitOf(facts: WaitFacts): Wait {
  const { rollout } = facts;
  switch (rollout.state) {
    case 'paused':
      return { what: 'resume', sentence: 'paused until a person resumes it', untilMs: 0 };
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

function waitForBack({ members, away }: WaitFacts): Wait {
  const on = total(members.byWave, 'rolling-back');
  const sentence = `${plural(on, 'device')} on the way back to the version before${awayText(away)}`;
  return { what: 'back', sentence, untilMs: 0 };
}

function waitOfRunning({ rollout, members, away, verdicts }: WaitFacts): Wait {
  const { wave, sizes, settings } = rollout;
  const name = `wave ${wave + 1} of ${sizes.length}`;
  if (wave < 0) return { what: 'devices', sentence: 'the first wave opens at once', untilMs: 0 };
  const open = upTo(members.byWave, wave);
  const asked = (open.sent ?? 0) + (open['in-progress'] ?? 0);
  const pending = open.pending ?? 0;
  if (asked + pending > 0) {
    const more = pending > 0 ? `, ${plural(pending, 'device')} still to be asked` : '';
    const sentence = `${name}: ${plural(asked, 'device')} at work${awayText(away)}${more}`;
    return { what: 'devices', sentence, untilMs: 0 };
  }
  const next = wave + 1 < sizes.length ? `wave ${wave + 2} of ${sizes.length} opens` : 'it is done';
  const soakedMs = members.settledMs + settings.soakMs;
  const waiting = verdicts.filter(({ state }) => state === 'waiting');
  const [first] = waiting;
  if (first === undefined) {
    return { what: 'soak', sentence: `${name} soaks, then ${next}`, untilMs: soakedMs };
  }
  const further = waiting.length > 1 ? ` (and ${plural(waiting.length - 1, 'further gate')})` : '';
  const held = wave + 1 < sizes.length && rollout.approvedWaves < wave + 2;
  const suspicious = held ? waiting.find(isSuspicious) : undefined;
  const person = suspicious === undefined ? '' : '; approve the next wave or abort if it stays so';
  return {
    what: 'gate',
    sentence: `${name}: ${(suspicious ?? first).sentence}${further}${person}`,
    untilMs: suspicious === undefined ? members.settledMs + settings.maxSoakMs : 0,
  };
}

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
