import { setTimeout as sleep } from 'node:timers/promises';
import { rollOut } from '../../support/rollouts.ts';
import { cpuMsOf } from './cpu.ts';
import { untilState } from './ended.ts';
import { openGround } from './ground.ts';

export interface ScaleFigures {
  readonly devices: number;
  /** From the order until the server has heard from the last device and ended the rollout. */
  readonly rolloutSeconds: number;
  /** Processor time of the server, main thread and database threads, by device. */
  readonly cpuMsPerDevice: number;
  /** Devices that did not activate the version. */
  readonly missed: number;
  /** Devices that activated it more than once. */
  readonly doubled: number;
}

const SETTLE_MS = 3000;
const SETTINGS = { waves: ['100%'], soakMs: 0, watchMs: 1000, maxSoakMs: 0 };
/** Telemetry is not part of a rollout's work: without it there is nothing for these to judge. */
const GATES = { maxFailedShare: 1 };

/** A fleet takes a version, all devices at once, then the next, which is measured. */
export async function measureScale(devices: number, seed: number): Promise<ScaleFigures> {
  const activated = new Map<string, number>();
  const ground = await openGround({
    devices,
    versions: [1, 2],
    seed,
    told: (event) => {
      if (event.kind !== 'activated' || event.deployment.version !== 2) return;
      activated.set(event.device, (activated.get(event.device) ?? 0) + 1);
    },
  });
  const { server } = ground;
  try {
    await takeVersion(ground.server.api, 1, devices);
    await sleep(SETTLE_MS);
    const cpuMs = cpuMsOf(server.pid);
    const began = performance.now();
    await takeVersion(server.api, 2, devices);
    const rolloutSeconds = (performance.now() - began) / 1000;
    const cpuMsPerDevice = (cpuMsOf(server.pid) - cpuMs) / devices;
    return {
      devices,
      rolloutSeconds,
      cpuMsPerDevice,
      missed: devices - activated.size,
      doubled: [...activated.values()].filter((times) => times > 1).length,
    };
  } finally {
    await ground.close();
  }
}

async function takeVersion(
  api: Parameters<typeof rollOut>[0],
  version: number,
  devices: number,
): Promise<void> {
  const id = await rollOut(api, version, { ...SETTINGS, gates: GATES });
  await untilState(api, id, 'done', 60_000 + devices * 60);
}
