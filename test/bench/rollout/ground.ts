import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFaults } from '../../../cli/src/simulate/faults.ts';
import { type Simulation, startSimulation } from '../../../cli/src/simulate/simulation.ts';
import type { SimulationEvent } from '../../../cli/src/simulate/world.ts';
import { pushBundles } from '../../../fleet-server/src/testing/uploads.ts';
import { type Bed, createBed, type Server } from '../../support/fleet.ts';

export interface GroundOptions {
  readonly devices: number;
  readonly versions: readonly number[];
  readonly seed: number;
  readonly faults?: string;
  readonly telemetryWindowMs?: number;
  readonly inferencesPerSecond?: number;
  readonly told?: (event: SimulationEvent) => void;
}

/** A server process and a simulated fleet in this one. */
export interface Ground {
  readonly bed: Bed;
  readonly server: Server;
  readonly simulation: Simulation;
  close(): Promise<void>;
}

const TARGETS = ['x86-64', 'raspberry-pi-5', 'jetson-orin'];
const SITES = ['lyon', 'paris', 'turin', 'basel'];

export async function openGround(options: GroundOptions): Promise<Ground> {
  const bed = await createBed();
  const closers = [() => bed.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const window = options.telemetryWindowMs ?? 60_000;
    const server = await bed.server({ telemetryWindowMs: window, args: ['--log-level=warn'] });
    for (const version of options.versions) await pushBundles(server, version, TARGETS);
    const data = join(bed.folder, 'simulation');
    const simulation = await startSimulation({
      server: server.url,
      fleet: 'default',
      devices: options.devices,
      data,
      claim: (uses) => server.claimToken(uses),
      seed: options.seed,
      profiles: { targets: TARGETS, sites: SITES, timeZones: [], prefix: 'sim' },
      rules: parseFaults(options.faults ?? ''),
      work: {
        inferencesPerSecond: options.inferencesPerSecond ?? 0,
        latencyMs: 20,
        classes: 8,
        labeled: 0,
      },
      stepMs: 500,
      download: 'none',
      signal: new AbortController().signal,
      ...(options.told === undefined ? {} : { told: options.told }),
    });
    closers.push(async () => {
      await simulation.stop();
      await rm(data, { recursive: true, force: true });
    });
    return { bed, server, simulation, close };
  } catch (error) {
    await close();
    throw error;
  }
}
