import { type Kysely, type SqlBool, sql } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Verdict } from './gates/types.ts';
import type { Comparing } from './kinds/decide.ts';
import { comparesUntilMs, maxHoursOf } from './kinds/settings.ts';
import { openZones } from './pace/room.ts';
import type { Rollout } from './store.ts';
import type {
  BackState,
  MemberState,
  PlanMember,
  PlanRollout,
  RolloutSnapshot,
  Tally,
} from './types.ts';

type Db = Kysely<Database>;

/** Devices of each kind that one plan names at most; the next plan takes the others. */
const LIMIT = 200;
const NAMED = 5;
const IN_FLIGHT: readonly MemberState[] = ['sent', 'in-progress'];

/** Word for word as in the partial indexes, which are not used otherwise. */
const IS_DUE = sql<SqlBool>`due_ms > 0`;
const HAS_ENDED = sql<SqlBool>`ended_ms > 0`;
const WAS_ASKED = sql<SqlBool>`deployment <> ''`;

/**
 * What the planner wants to know, by indexed queries: the work grows with what is due and in
 * flight, not with the membership.
 */
export async function gatherSnapshot(
  db: Db,
  rollout: Rollout,
  verdicts: readonly Verdict[],
  now: number,
): Promise<RolloutSnapshot> {
  const { state } = rollout;
  const of = { rollout: planRollout(rollout), verdicts, pending: [], toGoBack: [] };
  if (state === 'halted') {
    const due = await readDue(db, rollout, now).where('back_state', '=', 'failed').execute();
    const toGoBack = await readToGoBack(db, rollout);
    return { ...of, tally: await tallyBack(db, rollout), due: due.map(planMember), toGoBack };
  }
  const late = await readDue(db, rollout, now).where('state', 'in', IN_FLIGHT).execute();
  const again =
    state === 'running'
      ? await readDue(db, rollout, now).where('state', '=', 'failed').execute()
      : [];
  const { pending, waiting } =
    state === 'running' ? await readPending(db, rollout, now) : { pending: [], waiting: false };
  const tally = { ...(await tallyForward(db, rollout)), waiting };
  return { ...of, tally, pending, due: [...late, ...again].map(planMember) };
}

function planRollout(rollout: Rollout): PlanRollout {
  const { state, haltedBy, sizes, wave, approvedWaves, accepted, rateMs, settings } = rollout;
  const comparing = comparingOf(rollout);
  return {
    ...{ ...settings, state, haltedBy, sizes, wave, approvedWaves, accepted, rateMs },
    ...(comparing && { comparing }),
  };
}

function comparingOf(rollout: Rollout): Comparing | undefined {
  const { kind, settings } = rollout;
  if (kind === 'update') return undefined;
  const { promote } = settings;
  return { kind, promote, maxHours: maxHoursOf(settings), untilMs: comparesUntilMs(rollout) };
}

const NOTHING: Tally = {
  waiting: false,
  committed: 0,
  inFlight: 0,
  retrying: 0,
  lastEndedMs: 0,
  goingBack: 0,
  stuck: { devices: 0, some: [] },
};

const waveSize = ({ sizes, wave }: Rollout): number => (wave < 0 ? 0 : (sizes[wave] ?? 0));

function membersOf(db: Db, { fleet, id }: Rollout) {
  return db.selectFrom('rollout_members').where('fleet', '=', fleet).where('rollout', '=', id);
}

/** How far the devices are, as far as a plan depends on it. */
export async function tallyForward(db: Db, rollout: Rollout): Promise<Tally> {
  const members = membersOf(db, rollout);
  const count = sql<number>`count(*)`.as('devices');
  const due = await members.select(['state', count]).where(IS_DUE).groupBy('state').execute();
  const ended = await members
    .select((e) => e.fn.max('ended_ms').as('last'))
    .where(HAS_ENDED)
    .executeTakeFirstOrThrow();
  const inFlight = due.filter(({ state }) => state !== 'failed');
  const retrying = due.filter(({ state }) => state === 'failed');
  return {
    ...NOTHING,
    committed: await countCommitted(db, rollout),
    inFlight: sum(inFlight),
    retrying: sum(retrying),
    lastEndedMs: Number(ended.last ?? 0),
  };
}

async function countCommitted(db: Db, rollout: Rollout): Promise<number> {
  if (rollout.settings.rate?.factor === undefined) return 0;
  const { devices } = await membersOf(db, rollout)
    .select(sql<number>`count(*)`.as('devices'))
    .where('state', '=', 'committed')
    .executeTakeFirstOrThrow();
  return Number(devices);
}

const sum = (rows: readonly { readonly devices: number }[]): number =>
  rows.reduce((total, { devices }) => total + Number(devices), 0);

async function tallyBack(db: Db, rollout: Rollout): Promise<Tally> {
  const asked = membersOf(db, rollout).where(WAS_ASKED);
  const under = await asked
    .select(sql<number>`count(*)`.as('devices'))
    .where('back_state', 'in', ['sent', 'in-progress'])
    .executeTakeFirstOrThrow();
  const failed = await asked
    .select(['device', 'due_ms'])
    .where('back_state', '=', 'failed')
    .orderBy('position')
    .execute();
  const again = failed.filter(({ due_ms }) => due_ms > 0);
  const stuck = failed.filter(({ due_ms }) => due_ms === 0);
  return {
    ...NOTHING,
    goingBack: Number(under.devices) + again.length,
    stuck: { devices: stuck.length, some: stuck.slice(0, NAMED).map(({ device }) => device) },
  };
}

const COLUMNS = ['device', 'position', 'state', 'back_state', 'due_ms', 'time_zone'] as const;

/** Those whose hours it is; where none has windows of its own, that is one and the same for all. */
async function readPending(
  db: Db,
  rollout: Rollout,
  now: number,
): Promise<{ pending: PlanMember[]; waiting: boolean }> {
  const waiting = membersOf(db, rollout)
    .where('state', '=', 'pending')
    .where('position', '>=', 0)
    .where('position', '<', waveSize(rollout));
  let open = waiting.select(COLUMNS);
  const { maintenance } = rollout.settings;
  if (maintenance.length > 0) {
    const rows = await waiting.select('time_zone').distinct().execute();
    const isOpen = openZones({ maintenance }, now);
    const zones = rows.map(({ time_zone }) => time_zone);
    const chosen = zones.filter((timeZone) => isOpen({ timeZone }));
    if (chosen.length === 0) return { pending: [], waiting: zones.length > 0 };
    open = open.where('time_zone', 'in', chosen);
  }
  const rows = await open.orderBy('position').limit(LIMIT).execute();
  return { pending: rows.map(planMember), waiting: rows.length > 0 };
}

const readDue = (db: Db, rollout: Rollout, now: number) =>
  membersOf(db, rollout)
    .select(COLUMNS)
    .where(IS_DUE)
    .where('due_ms', '<=', now)
    .orderBy('due_ms')
    .limit(LIMIT);

async function readToGoBack(db: Db, rollout: Rollout): Promise<PlanMember[]> {
  const rows = await membersOf(db, rollout)
    .select(COLUMNS)
    .where(WAS_ASKED)
    .where('back_state', '=', 'none')
    .orderBy('position')
    .limit(LIMIT)
    .execute();
  return rows.map(planMember);
}

const planMember = (row: {
  readonly device: string;
  readonly position: number;
  readonly state: string;
  readonly back_state: string;
  readonly due_ms: number;
  readonly time_zone: string;
}): PlanMember => ({
  device: row.device,
  position: row.position,
  state: row.state as MemberState,
  backState: row.back_state as BackState,
  dueMs: row.due_ms,
  timeZone: row.time_zone,
});
