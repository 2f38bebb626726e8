/**
 * How fast a bad version is halted and how far it comes, how often a good one is stopped by mistake,
 * what a rollout to 10,000 devices takes, and for how long one over 100,000 holds the server's event
 * loop: `npm run bench:rollout [-- --quick] [-- --json]`. A real server in a process of its own,
 * simulated devices in this one; the many runs on a virtual clock.
 * Ends with exit code 1 where a limit is not held.
 */
import { falseStopShare, measureHalts } from '../simulation/measures.ts';
import { measureHalt } from './rollout/halt.ts';
import type { Held } from './rollout/held.ts';
import { type MembershipFigures, measureMemberships } from './rollout/membership.ts';
import { measureScale } from './rollout/scale.ts';

const QUICK = process.argv.includes('--quick');
const JSON_ONLY = process.argv.includes('--json');
const SEED = 1;
const SIZE = QUICK
  ? { scale: 500, members: 5000, halting: 300, halts: 1, virtualHalts: 20, falseStops: 100 }
  : {
      scale: 10_000,
      members: 100_000,
      halting: 1000,
      halts: 10,
      virtualHalts: 500,
      falseStops: 2000,
    };
const LIMITS = {
  ...{ haltSeconds: 60, falseStops: 10 / 2000, rolloutSeconds: 120, cpuMs: 5 },
  ...{ planMs: 1000, delayMs: 50 },
};

const say = (text: string): void => void (JSON_ONLY || console.log(text));
const tenths = (value: number): number => Number(value.toFixed(1));
const broken: string[] = [];
const hold = (what: string, held: boolean): void => {
  say(`  ${held ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!held) broken.push(what);
};

say(`${SIZE.scale} devices take a version, all at once`);
const scale = await measureScale(SIZE.scale, SEED);
say(`  ${scale.rolloutSeconds.toFixed(1)} s, ${scale.cpuMsPerDevice.toFixed(2)} ms a device`);
hold(`within ${LIMITS.rolloutSeconds} s`, scale.rolloutSeconds <= LIMITS.rolloutSeconds);
hold(`at most ${LIMITS.cpuMs} ms of the server a device`, scale.cpuMsPerDevice <= LIMITS.cpuMs);
hold('none is missed, none activates twice', scale.missed === 0 && scale.doubled === 0);

say(`a rollout over ${SIZE.members} devices, while others talk to the server by MQTT`);
const { sqlite, postgres } = await measureMemberships(SIZE.members);
tellMembership('SQLite', sqlite);
if (postgres !== undefined) tellMembership('PostgreSQL', postgres);

say(`a version fails on 30 % of ${SIZE.halting} devices, ${SIZE.halts} times in real time`);
const real = await measureHalt({
  devices: SIZE.halting,
  runs: SIZE.halts,
  seed: SEED,
  said: (text) => say(`  ${text}`),
});
const haltSeconds = real.seconds.toSorted((a, b) => a - b);
const realP95 = haltSeconds[Math.ceil(0.95 * haltSeconds.length) - 1] ?? Number.NaN;
hold(`halted within ${LIMITS.haltSeconds} s at p95`, realP95 <= LIMITS.haltSeconds);
hold('only the canary wave and one more are touched', real.touchedShare <= real.allowedShare);

say(`the same ${SIZE.virtualHalts} times on the virtual clock`);
const virtual = measureHalts(SIZE.virtualHalts, SIZE.halting);
say(`  p95 ${virtual.secondsP95.toFixed(1)} s, at most ${virtual.touchedShare} of the devices`);
hold(`halted within ${LIMITS.haltSeconds} s at p95`, virtual.secondsP95 <= LIMITS.haltSeconds);
hold(
  'in the canary wave or the one after, and undone',
  virtual.mostWaves <= 2 && virtual.allUndone,
);

say(`${SIZE.falseStops} rollouts of good versions on the virtual clock`);
const stopped = falseStopShare(SIZE.falseStops);
say(`  ${stopped * SIZE.falseStops} stopped by mistake`);
hold(`at most ${LIMITS.falseStops * 100} %`, stopped <= LIMITS.falseStops);

/** Times of the event loop are those of the server and of the bench, which share it. */
function tellMembership(database: string, figures: MembershipFigures): void {
  const { dryRun, make, plan, wave } = figures;
  const row = ({ ms, cpuMs, delayMs, delayP99Ms }: Held, limit: number | string = '') => ({
    ...{ ms: Math.round(ms), 'limit of ms': limit, 'CPU ms': Math.round(cpuMs) },
    ...{ 'delay p99': tenths(delayP99Ms), 'delay max': tenths(delayMs) },
    'limit of max': LIMITS.delayMs,
  });
  const rows = {
    'dry run': row(dryRun),
    made: row(make),
    'wave planned': row(plan, LIMITS.planMs),
    'first wave asked': row(wave),
  };
  if (!JSON_ONLY) console.table(rows);
  hold(`${database}: a wave is planned within ${LIMITS.planMs} ms`, plan.ms <= LIMITS.planMs);
  const latest = Math.max(...[dryRun, make, plan, wave].map(({ delayMs }) => delayMs));
  const text = `${database}: the event loop is at most ${LIMITS.delayMs} ms late`;
  hold(text, latest <= LIMITS.delayMs);
}

if (JSON_ONLY) {
  console.log(
    JSON.stringify({
      haltSecondsP95: Math.max(realP95, virtual.secondsP95),
      touchedShare: Math.max(real.touchedShare, virtual.touchedShare),
      falseStopShare: stopped,
      devices: scale.devices,
      rolloutSeconds: Number(scale.rolloutSeconds.toFixed(1)),
      cpuMsPerDevice: Number(scale.cpuMsPerDevice.toFixed(2)),
      membership: { devices: SIZE.members, sqlite, ...(postgres && { postgres }) },
    }),
  );
}
if (broken.length > 0) {
  console.error(`bench:rollout: does not hold: ${broken.join('; ')}`);
  process.exitCode = 1;
}
