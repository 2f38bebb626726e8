import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentProgram } from '../../../agent/src/testing/agent-process.ts';
import { startLiveServer } from '../../../agent/src/testing/live-server.ts';
import { makeSlowBundle } from '../../../agent/src/testing/slow-bundle.ts';
import { ffmpegPids } from '../../support/ffmpeg.ts';
import { until } from '../../support/until.ts';
import { quantile, slopePerMinute } from './statistics.ts';

export interface CameraOptions {
  readonly agent: AgentProgram;
  readonly seconds: number;
  /** Of the run, left out of the slope: caches fill, code is compiled. */
  readonly warmUpSeconds: number;
  readonly fps: number;
  /** What the model shall take. */
  readonly modelMs: number;
  /** WIDTHxHEIGHT */
  readonly size: string;
}

export interface CameraFigures {
  readonly seconds: number;
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly inferred: number;
  readonly dropped: number;
  /** Age of a frame when the model took it. */
  readonly ageMsP50: number;
  readonly ageMsP95: number;
  readonly ageMsMax: number;
  readonly latencyMsP50: number;
  /** Resident memory of the agent. */
  readonly rssMbStart: number;
  readonly rssMbEnd: number;
  readonly rssMbMax: number;
  readonly rssMbPerMinute: number;
  readonly ffmpegRssMbEnd: number;
}

interface Status {
  readonly slots: readonly { readonly ready: boolean }[];
  readonly flows: readonly {
    readonly items: number;
    readonly inferred: number;
    readonly dropped: number;
    readonly error?: string;
  }[];
}

interface Line {
  readonly ageMs: number;
  readonly latencyMs: number;
}

/** A device whose camera is faster than its model: an agent in its own process, ffmpeg, a real model. */
export async function measureCamera(
  options: CameraOptions,
  progress: (text: string) => void,
): Promise<CameraFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-camera-'));
  const server = await startLiveServer();
  let stop = async () => {};
  try {
    const login = ['--server', server.api, '--token', 'clm_good', '--data', folder];
    const { stderr } = await options.agent.run('enroll', ...login);
    if (stderr !== '') throw new Error(stderr);
    const bundle = await makeSlowBundle(options.modelMs);
    server.fleet.publishBundle(bundle);
    const active = server.fleet.deployment(bundle, { precision: 'fp32', watchMs: 1 });
    server.fleet.want({ slots: [{ name: 'slow', mode: 'MODE_PRESENT', active }] });
    const { size, fps } = options;
    const camera = `{ camera: test, size: ${size}, fps: ${fps} }`;
    const sink = `{ jsonl: out.jsonl }`;
    const file = join(folder, 'flows.yaml');
    await writeFile(
      file,
      `flows: [{ name: cam, model: slow, source: ${camera}, sinks: [${sink}] }]\n`,
    );
    const agent = await options.agent.start(folder, '--flows', file, '--log', 'warn');
    stop = async () => void (await agent.end('SIGTERM'));
    const status = async () =>
      (await (await fetch(`${agent.address}/flotilla/1/status`)).json()) as Status;
    await until(
      'frames are inferred on',
      async () => ((await status()).flows[0]?.inferred ?? 0) > 3,
    );
    const samples = await sample(options, agent.child.pid ?? 0, size, progress);
    const { flows } = await status();
    await stop();
    const [flow] = flows;
    if (flow?.error !== undefined) throw new Error(flow.error);
    const text = await readFile(join(folder, 'out.jsonl'), 'utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    return figuresOf(
      options,
      samples,
      flow,
      lines.map((line) => JSON.parse(line) as Line),
    );
  } finally {
    await stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Samples {
  /** Each second, MB. */
  readonly rss: readonly number[];
  readonly ffmpegRss: number;
}

async function sample(
  { seconds }: CameraOptions,
  pid: number,
  size: string,
  progress: (text: string) => void,
): Promise<Samples> {
  const rss: number[] = [];
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    rss.push(await residentMb(pid));
    if (second % 60 === 59) progress(`${second + 1} s: ${rss.at(-1)?.toFixed(1)} MB`);
  }
  const [ffmpeg = 0] = await ffmpegPids(`size=${size}`);
  return { rss, ffmpegRss: await residentMb(ffmpeg) };
}

/** `VmRSS` of /proc/PID/status (proc(5)). */
async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1000;
}

function figuresOf(
  { seconds, warmUpSeconds }: CameraOptions,
  { rss, ffmpegRss }: Samples,
  flow: Status['flows'][number] | undefined,
  lines: readonly Line[],
): CameraFigures {
  const { items = 0, inferred = 0, dropped = 0 } = flow ?? {};
  const ages = lines.map(({ ageMs }) => ageMs);
  const warm = rss.slice(warmUpSeconds);
  return {
    seconds,
    frames: items,
    framesPerSecond: items / seconds,
    inferred,
    dropped,
    ageMsP50: quantile(ages, 0.5),
    ageMsP95: quantile(ages, 0.95),
    ageMsMax: quantile(ages, 1),
    latencyMsP50: quantile(
      lines.map(({ latencyMs }) => latencyMs),
      0.5,
    ),
    rssMbStart: warm[0] ?? Number.NaN,
    rssMbEnd: warm.at(-1) ?? Number.NaN,
    rssMbMax: Math.max(...rss),
    rssMbPerMinute: slopePerMinute(warm),
    ffmpegRssMbEnd: ffmpegRss,
  };
}
