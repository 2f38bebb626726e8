import { setImmediate } from 'node:timers/promises';
import type { Window } from '@flotilla/protocol';
import { closeOutlived } from '../alerts/outlived.ts';
import { closeAlert, openAlerts, raiseAlert, updateAlert } from '../alerts/store.ts';
import type { ServerContext } from '../context.ts';
import { chunks } from '../rollouts/store.ts';
import { unpackWindow } from '../telemetry/merge.ts';
import { type Change, planAlerts } from './alerts.ts';
import {
  type Counts,
  DEFAULT_DRIFT,
  type DriftSettings,
  type Judged,
  judgeDevice,
  judgeFleet,
  rejectionLevel,
  type ScopeState,
  testDevice,
} from './judge.ts';
import type { ProfileFor, StoredProfile } from './profiles.ts';
import { type Period, pendingPeriods, readStates, setCursor, writeStates } from './store.ts';

export interface DriftContext extends Pick<ServerContext, 'db' | 'dialect'> {
  readonly profileFor: ProfileFor;
  /** Alerts of the fleet came or went. */
  readonly onChange: (fleet: string, alert: string) => void;
}

/**
 * Judges every window period that is over and not judged yet, for each version on its devices and
 * over the fleet, and raises, updates and closes alerts.
 *
 * @returns how many alerts were raised or closed
 */
export async function detectDrift(
  context: DriftContext,
  now: number,
  settings: DriftSettings = DEFAULT_DRIFT,
): Promise<number> {
  let changes = 0;
  for (const period of await pendingPeriods(context.db, now)) {
    const changed = await judgePeriod(context, period, now, settings);
    for (const alert of changed) context.onChange(period.fleet, alert);
    changes += changed.length;
  }
  for (const { fleet, id } of await closeOutlived(context.db, now)) {
    context.onChange(fleet, id);
    changes++;
  }
  return changes;
}

async function judgePeriod(
  { db, dialect, profileFor }: DriftContext,
  period: Period,
  now: number,
  settings: DriftSettings,
): Promise<string[]> {
  const groups = await observe(db, period, profileFor);
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, `drift ${period.fleet}/${period.model}@${period.version}`);
    if (!(await setCursor(trx, period))) return [];
    const changed: string[] = [];
    for (const group of groups) {
      changed.push(...(await judgeGroup(trx, period, group, now, settings)));
    }
    return changed;
  });
}

/** Judges the devices that share a profile; the fleet is judged by the profile that most share. */
async function judgeGroup(
  trx: ServerContext['db'],
  period: Period,
  { profile, digest, byDevice, fleet, names }: Observed,
  now: number,
  settings: DriftSettings,
): Promise<string[]> {
  const key = { ...period, profile: digest };
  const states = await readStates(trx, key, ['', ...byDevice.keys()]);
  const stateOf = (device: string) => ({ features: states.get(device) ?? {} });
  const judged = await judgeAll(profile, byDevice, stateOf, settings);
  if (fleet !== undefined) judged.set('', judgeFleet(profile, stateOf(''), fleet, settings));
  const features = new Map([...judged].map(([device, one]) => [device, one.features]));
  await writeStates(trx, key, features, now);
  const scopes = [...judged].map(([device, { verdicts }]) => ({ device, verdicts }));
  const open = await openAlerts(trx, period.fleet, period);
  const subject = { ...period, names };
  return applyChanges(trx, planAlerts(subject, profile, scopes, open, settings), now);
}

/** Devices at a time before others have their turn on the event loop. */
const SLICE = 50;

async function judgeAll(
  profile: StoredProfile['profile'],
  byDevice: ReadonlyMap<string, Counts>,
  stateOf: (device: string) => ScopeState,
  settings: DriftSettings,
): Promise<Map<string, Judged>> {
  const tested = await inSlices([...byDevice], ([device, counts]) =>
    testDevice(profile, { device, state: stateOf(device), counts }, settings),
  );
  const level = rejectionLevel(tested, settings.falseShare);
  const judged = await inSlices(
    tested,
    (one) => [one.device, judgeDevice(profile, one, level, settings)] as const,
  );
  return new Map(judged);
}

async function inSlices<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const results: R[] = [];
  for (const slice of chunks(items, SLICE)) {
    results.push(...slice.map(work));
    await setImmediate();
  }
  return results;
}

async function applyChanges(
  trx: ServerContext['db'],
  changes: readonly Change[],
  now: number,
): Promise<string[]> {
  const touched: string[] = [];
  for (const change of changes) {
    switch (change.kind) {
      case 'raise':
        touched.push(await raiseAlert(trx, change.key, change.figures, now));
        break;
      case 'update':
        await updateAlert(trx, change.alert, change.figures);
        break;
      case 'close':
        await closeAlert(trx, change.alert, change.why, now);
        touched.push(change.alert.id);
        break;
    }
  }
  return touched;
}

interface Observed extends StoredProfile {
  readonly byDevice: ReadonlyMap<string, Counts>;
  /** Counts of all these devices together; undefined where another profile stands for the fleet. */
  readonly fleet: Counts | undefined;
  readonly names: ReadonlyMap<string, string>;
}

/**
 * The counts of a period by device, in groups of devices whose bundles carry the same profile, the
 * largest group first: bins of different profiles do not merge.
 */
async function observe(
  db: ServerContext['db'],
  period: Period,
  profileFor: ProfileFor,
): Promise<Observed[]> {
  const rows = await db
    .selectFrom('telemetry_windows as w')
    .innerJoin('devices as d', (join) =>
      join.onRef('d.fleet', '=', 'w.fleet').onRef('d.device', '=', 'w.device'),
    )
    .select(['w.device', 'w.digest', 'w.body', 'd.name'])
    .where('w.fleet', '=', period.fleet)
    .where('w.model', '=', period.model)
    .where('w.version', '=', period.version)
    .where('w.start_ms', '=', period.startMs)
    .where('w.length_ms', '=', period.lengthMs)
    .execute();
  const names = new Map(rows.map(({ device, name }) => [device, name]));
  const windows = await inSlices(rows, ({ device, body }) => ({
    device,
    window: unpackWindow(body),
  }));
  const profiles = await profilesByUse(rows, profileFor);
  return profiles.map((stored, index) => {
    const own = windows.filter(({ window }) => window.profileDigest === stored.digest);
    const { byDevice, fleet } = countBins(stored.profile, own);
    return { ...stored, byDevice, fleet: index === 0 ? fleet : undefined, names };
  });
}

function countBins(
  profile: StoredProfile['profile'],
  windows: readonly { readonly device: string; readonly window: Window }[],
) {
  const byDevice = new Map<string, Map<string, number[]>>();
  const fleet = new Map<string, number[]>();
  const bins = new Map(profile.features.map(({ name, counts }) => [name, counts.length]));
  for (const { device, window } of windows) {
    const own = byDevice.get(device) ?? new Map<string, number[]>();
    byDevice.set(device, own);
    for (const { name, counts } of window.features) {
      if (bins.get(name) !== counts.length) continue;
      for (const sums of [own, fleet]) {
        sums.set(
          name,
          counts.map((count, i) => count + (sums.get(name)?.[i] ?? 0)),
        );
      }
    }
  }
  return { byDevice, fleet };
}

async function profilesByUse(
  rows: readonly { readonly digest: string }[],
  profileFor: ProfileFor,
): Promise<StoredProfile[]> {
  const uses = new Map<string, { stored: StoredProfile; count: number }>();
  for (const { digest } of rows) {
    const stored = await profileFor(digest);
    if (stored === undefined) continue;
    const known = uses.get(stored.digest);
    uses.set(stored.digest, { stored, count: (known?.count ?? 0) + 1 });
  }
  return [...uses.values()]
    .sort((a, b) => b.count - a.count || (a.stored.digest < b.stored.digest ? -1 : 1))
    .map(({ stored }) => stored);
}
