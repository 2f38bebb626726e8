import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { needsApproval } from '../approve.ts';
import { GATE_NAMES } from '../gates/types.ts';
import { withLabels } from '../labels.ts';
import { perMinuteNow } from '../pace/rate.ts';
import type { Rollout } from '../store.ts';
import { viewEvents, viewVerdicts } from '../views.ts';
import { countAway, countMembers, countSteps, countStrata, nextWindowMs } from './counts.ts';
import { heldBy, waitOf } from './waits.ts';
import { wavesOf } from './waves.ts';

/** Strata and events that are told; the rest is counted or read elsewhere. */
const STRATA = 50;
const EVENTS = 100;

/**
 * How a rollout goes, summed up: what a screen shows, of the same size for ten devices and for a
 * hundred thousand.
 */
export async function readProgress(db: Kysely<Database>, stored: Rollout, now: number) {
  const [rollout = stored] = await withLabels(db, stored.fleet, [stored]);
  const members = await countMembers(db, rollout, now);
  const away = await countAway(db, rollout);
  const steps = members.inFlight > 0 ? await countSteps(db, rollout) : [];
  const { strata, further } = await countStrata(db, rollout, STRATA);
  const all = await viewVerdicts(db, rollout);
  const newest = Math.max(...all.map(({ wave }) => wave));
  const verdicts = all
    .filter(({ wave }) => wave === newest)
    .sort((a, b) => GATE_NAMES.indexOf(a.gate) - GATE_NAMES.indexOf(b.gate));
  const { id, model, version, selector, state, haltedBy, sentence, wave } = rollout;
  const { createdBy, createdMs, endedMs, kind, parent } = rollout;
  const windowMs = await nextWindowMs(db, rollout, now);
  const { rate } = rollout.settings;
  return {
    ...{ id, model, version, selector, kind, parent, state, sentence, wave },
    ...{ createdBy, createdMs, endedMs },
    haltedBy: haltedBy ?? ('' as const),
    waves: wavesOf(rollout, members.byWave),
    strata,
    furtherStrata: further,
    apart: {
      ...{ unsuitable: members.unsuitable, unchanged: members.unchanged },
      control: members.control,
    },
    asked: members.asked,
    inFlight: members.inFlight,
    away,
    takenLastMinute: members.lastMinute,
    firstFailureMs: members.firstFailureMs,
    haltedMs: haltedBy === undefined ? 0 : await readHaltedMs(db, rollout),
    waitsFor: waitOf({ rollout, members, steps, away, windowMs, verdicts, now }),
    approvedWaves: rollout.approvedWaves,
    needsApproval: needsApproval(rollout) || heldBy({ rollout, verdicts }) !== undefined,
    perMinute: rate === undefined ? 0 : perMinuteNow(rate, members.committed),
    verdicts,
    events: await viewEvents(db, rollout, EVENTS),
    nowMs: now,
  };
}

async function readHaltedMs(
  db: Kysely<Database>,
  { fleet, id }: Pick<Rollout, 'fleet' | 'id'>,
): Promise<number> {
  const row = await db
    .selectFrom('rollout_events')
    .select('at_ms')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('kind', '=', 'halt')
    .orderBy('at_ms')
    .limit(1)
    .executeTakeFirst();
  return row?.at_ms ?? 0;
}
