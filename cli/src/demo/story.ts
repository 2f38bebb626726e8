import { fileURLToPath } from 'node:url';
import { collect, waitForBuild } from '../commands/model.ts';
import { tarStream } from '../tar-stream.ts';
import { percent } from '../ui/table.ts';
import type { DeviceView, DriftView } from './api-types.ts';
import { TARGETS_OF_DEMO } from './devices.ts';
import type { Feeder } from './feeder.ts';
import type { DemoAgent, DemoServer } from './fleet.ts';
import type { DemoImages } from './images.ts';
import { hasEnded, progressLine, type RolloutView } from './rollout-line.ts';
import type { Screen } from './screen.ts';
import { until } from './wait.ts';

/** Slot and model of the demo. */
export const MODEL = 'parts';

/** What the chapters work on. */
export interface Stage {
  readonly server: DemoServer;
  readonly agents: readonly DemoAgent[];
  /** Filled when the first version runs. */
  readonly feeders: Feeder[];
  readonly images: DemoImages;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

interface RolloutOrder {
  readonly version: number;
  readonly waves: readonly string[];
  readonly soakMs: number;
}

const ROLLOUT_MS = 60_000;
const DRIFT_MS = 45_000;
const WATCH_MS = 1_000;
const ENOUGH_FRAMES = 20;

export async function pushVersion(stage: Stage, version: number, labels: boolean): Promise<void> {
  const { server, images, screen } = stage;
  const folder = fileURLToPath(
    new URL(
      `versions/${version}`,
      import.meta.resolve('@flotilla/example-parts-inspection/package.json'),
    ),
  );
  const evaluate = labels ? images.evaluation : images.calibration;
  const files = await collect(folder, { calibration: images.calibration, evaluate });
  const query = new URLSearchParams({ targets: TARGETS_OF_DEMO.join(',') });
  await server.api.upload(
    `/models/${MODEL}/versions?${query}`,
    'application/x-tar',
    tarStream(files),
  );
  const built = await waitForBuild(
    server.api,
    { model: MODEL, version },
    stage.signal,
    (share, label) => screen.progress(`version ${version}, ${label}`, share),
  );
  const variants = Object.entries(Object.groupBy(built.variants, ({ target }) => target)).map(
    ([target, of = []]) => `${target} (${of.map(({ precision }) => precision).join(', ')})`,
  );
  screen.held(`version ${version} is built, verified and signed: ${variants.join(', ')}`);
}

/** Rolls a version out and follows it to its end. */
export async function rollOut(stage: Stage, order: RolloutOrder): Promise<RolloutView> {
  const { server, screen, signal } = stage;
  const body = { ...order, model: MODEL, devices: 'all', watchMs: WATCH_MS, maxSoakMs: 30_000 };
  const { id } = await server.api.post<{ id: string }>('/rollouts', body);
  let told = '';
  return until(
    () => `the rollout of version ${order.version}`,
    () => server.api.get<RolloutView>(`/rollouts/${id}`),
    (rollout) => {
      const line = progressLine(rollout);
      if (line !== told && rollout.wave >= 0) screen.tell(line);
      told = line;
      const done = rollout.devices.filter(({ state }) => state === 'committed').length;
      screen.progress(`rolling out version ${order.version}`, done / rollout.devices.length);
      return hasEnded(rollout);
    },
    { timeoutMs: ROLLOUT_MS, signal, progress: progressLine },
  );
}

/** Which version each device says it runs, by name. */
async function versionsOf({ server }: Stage): Promise<Map<string, number>> {
  const devices = await server.api.all<DeviceView>('/devices');
  return new Map(
    devices.map(({ name, active }) => [
      name,
      active.find(({ slot }) => slot === MODEL)?.version ?? 0,
    ]),
  );
}

/** Waits until every device says that it runs the version. */
export async function allRun(stage: Stage, version: number): Promise<void> {
  await until(
    () => `every device on version ${version}`,
    () => versionsOf(stage),
    (versions) => [...versions.values()].every((running) => running === version),
    {
      timeoutMs: ROLLOUT_MS,
      signal: stage.signal,
      progress: (versions) => [...versions.values()].join(),
    },
  );
  stage.screen.held(`all ${stage.agents.length} devices run version ${version}`);
}

/** Lets the cameras run until each device answered often enough, and tells what they answered. */
export async function watchPredictions(stage: Stage): Promise<number> {
  const { feeders, screen, signal } = stage;
  for (const feeder of feeders) feeder.recount();
  const refusal = () => feeders.find((feeder) => feeder.refusal !== undefined)?.refusal ?? '';
  await until(
    () => `predictions of every device ${refusal()}`,
    async () => Math.min(...feeders.map(({ shown }) => shown)),
    (least) => {
      screen.progress('frames pass the cameras', least / ENOUGH_FRAMES);
      return least >= ENOUGH_FRAMES;
    },
    { timeoutMs: ROLLOUT_MS, signal, progress: String },
  );
  for (const { device, last } of feeders) {
    if (last === undefined) continue;
    const verdict = last.label === last.truth ? '' : ` (it was a ${last.truth})`;
    screen.tell(`${device} sees a ${last.label} with ${percent(last.confidence, 0)}${verdict}`);
  }
  return rightShare(feeders);
}

function rightShare(feeders: readonly Feeder[]): number {
  const shown = feeders.reduce((sum, feeder) => sum + feeder.shown, 0);
  const right = feeders.reduce((sum, feeder) => sum + feeder.right, 0);
  return shown === 0 ? 0 : right / shown;
}

/** Waits for an open drift alert on the version. */
export function driftAlert(stage: Stage, version: number): Promise<DriftView[]> {
  return until(
    () => 'a drift alert',
    () => stage.server.api.all<DriftView>('/drift'),
    (alerts) => alerts.some((alert) => alert.state === 'open' && alert.version === version),
    { timeoutMs: DRIFT_MS, signal: stage.signal },
  );
}
