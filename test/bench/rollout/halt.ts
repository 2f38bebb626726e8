import { setTimeout as sleep } from 'node:timers/promises';
import { rollOut } from '../../support/rollouts.ts';
import { until } from '../../support/until.ts';
import { type Summary, untilState } from './ended.ts';
import { type Ground, openGround } from './ground.ts';

export interface HaltOptions {
  readonly devices: number;
  readonly runs: number;
  readonly seed: number;
  said(text: string): void;
}

export interface HaltFigures {
  /** From the first report of a device that could not keep the version, for each run. */
  readonly seconds: readonly number[];
  /** Largest share of the devices that were asked. */
  readonly touchedShare: number;
  /** What the first two waves hold. */
  readonly allowedShare: number;
}

/** As a version for everyday devices: a tenth first, then three tenths. */
const WAVES = ['10%', '30%', '100%'];
const SETTINGS = { waves: WAVES, soakMs: 20_000, watchMs: 5000, retryMs: 1000 };
const WINDOW_MS = 10_000;
const LONGEST_MS = 180_000;
const GOOD = 1;
const FAILING = /RESULT_(FAILED|ROLLED_BACK)/;

/** Versions that fail on 30 % of the devices, one after the other, in real time. */
export async function measureHalt({
  devices,
  runs,
  seed,
  said,
}: HaltOptions): Promise<HaltFigures> {
  const bad = Array.from({ length: runs }, (_, i) => GOOD + 1 + i);
  let firstBadMs = 0;
  const ground = await openGround({
    devices,
    versions: [GOOD, ...bad],
    seed,
    // half of them in the self-test, half once the version runs
    faults: bad.map((version) => `parts@${version}: fail=30%${stepOf(version)}`).join('; '),
    telemetryWindowMs: WINDOW_MS,
    inferencesPerSecond: 2,
    told: ({ kind, ...event }) => {
      if (kind !== 'ended' || !('result' in event) || !FAILING.test(event.result)) return;
      if (firstBadMs === 0 && event.code !== 'deployment.superseded') firstBadMs = Date.now();
    },
  });
  try {
    await install(ground);
    const seconds: number[] = [];
    let touched = 0;
    for (const version of bad) {
      firstBadMs = 0;
      const { summary, haltedMs } = await halted(ground, version);
      seconds.push((haltedMs - firstBadMs) / 1000);
      touched = Math.max(touched, devices - (summary.counts.withdrawn ?? 0));
      said(`${seconds.at(-1)?.toFixed(1)} s, ${summary.sentence}`);
    }
    const allowed = Math.ceil(devices * 0.3);
    return { seconds, touchedShare: touched / devices, allowedShare: allowed / devices };
  } finally {
    await ground.close();
  }
}

const stepOf = (version: number): string => (version % 2 === 0 ? '' : ':watch');

/** The version that all devices go back to, and what it is like there. */
async function install({ server }: Ground): Promise<void> {
  const id = await rollOut(server.api, GOOD, { waves: ['100%'], watchMs: 1000, soakMs: 0 });
  await untilState(server.api, id, 'done', LONGEST_MS);
  await sleep(2 * WINDOW_MS);
}

interface Detail {
  readonly events: readonly { readonly kind: string; readonly atMs: number }[];
}

async function halted(
  { server, simulation }: Ground,
  version: number,
): Promise<{ summary: Summary; haltedMs: number }> {
  const id = await rollOut(server.api, version, SETTINGS);
  const summary = await untilState(server.api, id, 'rolled-back', LONGEST_MS);
  await until(
    'all devices at the version before',
    () => simulation.devices.every(({ runs }) => runs[0]?.version === GOOD),
    LONGEST_MS,
  );
  const { events } = await server.api.get<Detail>(`/rollouts/${id}`);
  const halt = events.find(({ kind }) => kind === 'halt');
  if (halt === undefined) throw new Error(`rollout ${id} has no halt among its events`);
  return { summary, haltedMs: halt.atMs };
}
