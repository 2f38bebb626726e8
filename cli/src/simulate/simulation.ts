import { FlotillaError } from '@flotilla/protocol';
import { SimulatedDevice } from './device.ts';
import { type Download, downloadBundle } from './download.ts';
import { enrollDevices } from './enroll.ts';
import type { FaultRule } from './faults.ts';
import { holdFleetFile, readFleetFile, writeFleetFile } from './fleet-file.ts';
import { type ProfileOptions, profileOf } from './profiles.ts';
import type { DeviceState } from './state.ts';
import type { Work } from './telemetry.ts';
import type { SimulationEvent, Traffic, World } from './world.ts';

export interface SimulationOptions {
  /** Base address of the fleet server, without a slash at the end. */
  readonly server: string;
  readonly fleet: string;
  readonly devices: number;
  /** Folder that keeps the fleet; it holds private keys. */
  readonly data: string;
  /** Makes a claim token for so many new devices. */
  claim(uses: number): Promise<string>;
  readonly seed: number;
  readonly profiles: ProfileOptions;
  readonly rules: readonly FaultRule[];
  readonly work: Work;
  readonly stepMs: number;
  readonly download: Download;
  readonly signal: AbortSignal;
  told?(event: SimulationEvent): void;
  /** Of enrolment and connection, as a share from 0 to 1. */
  progress?(label: string, share: number): void;
}

/** A simulated fleet that runs. */
export interface Simulation {
  readonly devices: readonly SimulatedDevice[];
  readonly traffic: Readonly<Traffic>;
  /** Says goodbye for every device and keeps what they know. */
  stop(): Promise<void>;
}

const TICK_MS = 1000;
/** Devices looked at in one go, so that the timers of others are not late. */
const TICK_PARTS = 20;
const SAVE_MS = 15_000;
/** Log-ins under way at once. */
const CONNECTING = 64;
const GOODBYE_MS = 500;

/**
 * Enrolls the devices that are new, connects all, and lets them run until `stop`.
 *
 * @throws FlotillaError `simulate.data`, `agent.unreachable`, `agent.enroll-refused`
 */
export async function startSimulation(options: SimulationOptions): Promise<Simulation> {
  const offset = await askTime(options.server);
  const release = await holdFleetFile(options.data);
  try {
    return await startHeld(options, offset, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function startHeld(
  options: SimulationOptions,
  offset: number,
  release: () => Promise<void>,
): Promise<Simulation> {
  const { server, fleet } = options;
  const states = await fleetOf(options);
  const world = worldOf(options, offset);
  const devices = states
    .slice(0, options.devices)
    .map((state) => new SimulatedDevice(world, state));
  const save = async () => {
    for (const device of devices) device.save();
    await writeFleetFile(options.data, { server, fleet, devices: states });
  };
  await connectAll(devices, options);
  const stopTicks = startTicks(devices, world);
  // what fails here fails in the end too, where somebody hears of it
  const saving = setInterval(() => void save().catch(() => undefined), SAVE_MS);
  return {
    devices,
    traffic: world.traffic,
    async stop() {
      stopTicks();
      clearInterval(saving);
      for (const device of devices) device.stop();
      await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS));
      try {
        await save();
      } finally {
        await release();
      }
    },
  };
}

function worldOf(options: SimulationOptions, offset: number): World {
  const now = () => Date.now() + offset;
  const { seed, rules, work, stepMs, download } = options;
  return {
    ...{ seed, rules, work, stepMs, now },
    traffic: { up: 0, down: 0 },
    monotonic: () => performance.now(),
    download: (state, deployment) => downloadBundle(download, state, deployment, now()),
    tell: (event) => options.told?.(event),
  };
}

/** How far the server's clock is ahead of this machine's, ms: agents ask before they log in. */
async function askTime(server: string): Promise<number> {
  const response = await fetch(`${server}/api/1/time`).catch((cause: Error) => {
    throw new FlotillaError('agent.unreachable', { url: server, reason: cause.message }, { cause });
  });
  const { wallMs } = (await response.json()) as { wallMs?: unknown };
  return typeof wallMs === 'number' ? wallMs - Date.now() : 0;
}

async function fleetOf(options: SimulationOptions): Promise<DeviceState[]> {
  const { devices: wanted, data, signal, server, fleet } = options;
  const states = [...((await readFleetFile(data, options)) ?? [])];
  const missing = wanted - states.length;
  if (missing <= 0) return states;
  const claim = await options.claim(missing);
  const first = states.length;
  const news = Array.from({ length: missing }, (_, i) => first + i).map((index) => ({
    index,
    profile: profileOf(index, options.profiles),
  }));
  const enrolled = (state: DeviceState) => {
    states.push(state);
    options.progress?.(`enrolling ${missing} devices`, (states.length - first) / missing);
  };
  try {
    await enrollDevices({ server, claim, devices: news, signal, enrolled });
  } finally {
    states.sort((a, b) => a.index - b.index);
    await writeFleetFile(data, { server, fleet, devices: states });
  }
  return states;
}

async function connectAll(
  devices: readonly SimulatedDevice[],
  { signal, progress }: SimulationOptions,
): Promise<void> {
  let tried = 0;
  const waiting = [...devices].reverse();
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (signal.aborted) return;
      await next.connect();
      progress?.(`connecting ${devices.length} devices`, ++tried / devices.length);
    }
  };
  await Promise.all(Array.from({ length: CONNECTING }, work));
}

/** Every device once a second, in parts. */
function startTicks(devices: readonly SimulatedDevice[], { monotonic }: World): () => void {
  let part = 0;
  const timer = setInterval(() => {
    const nowMs = monotonic();
    for (let i = part; i < devices.length; i += TICK_PARTS) devices[i]?.tick(nowMs);
    part = (part + 1) % TICK_PARTS;
  }, TICK_MS / TICK_PARTS);
  return () => clearInterval(timer);
}
