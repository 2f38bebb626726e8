import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { sharpDecoder, workerRuntime } from '@flotilla/model/node';
import { vi } from 'vitest';
import { type Agent, startAgent } from '../core/index.ts';
import type { FlowStatus } from '../node/flows/flow-status.ts';
import { type Flows, startFlows } from '../node/flows/flows.ts';
import type { FlowRecord } from '../node/flows/record.ts';
import { bedOptions, bedPorts, TOY_CAPABILITIES } from './core-bed.ts';
import { makePartsBundle } from './parts-bundle.ts';
import { createPowerCutStorage } from './power-cut-storage.ts';
import { createTestFleet, type SignedBundle, type TestFleet } from './test-fleet.ts';

const slow = { interval: 20, timeout: 30_000 };

/** An agent in this process with the parts model, and a folder for its flows. */
export interface FlowBed {
  readonly agent: Agent;
  readonly folder: string;
  readonly stdin: PassThrough;
  /** What the flows logged, a line each. */
  readonly log: readonly string[];
  /** Starts the flows of a text as `flows.yaml` in the folder. */
  start(yaml: string): Promise<Flows>;
  /** Lets the fleet give the device its model. */
  deliver(): Promise<void>;
  records(file: string): Promise<FlowRecord[]>;
  close(): Promise<void>;
}

export interface FlowBedOptions {
  /** Leaves the slot without a model until `deliver`. */
  readonly empty?: boolean;
  /** Of the slot `parts`; default the parts model. */
  readonly bundle?: SignedBundle;
}

export async function createFlowBed(options: FlowBedOptions = {}): Promise<FlowBed> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-flows-'));
  const fleet = createTestFleet();
  const log: string[] = [];
  const agent = await startParts(fleet, log);
  const stdin = new PassThrough();
  const running: Flows[] = [];
  const deliver = async () => {
    const bundle = options.bundle ?? (await makePartsBundle(1));
    fleet.publishBundle(bundle);
    const active = fleet.deployment(bundle, { precision: 'fp32', watchMs: 1 });
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
    await vi.waitFor(() => {
      if (!agent.slots.includes('parts')) throw new Error(log.join('\n'));
    }, slow);
  };
  if (!options.empty) await deliver();
  const say = (message: string, fields = {}) =>
    void log.push(`${message} ${JSON.stringify(fields)}`);
  return {
    agent,
    folder,
    stdin,
    log,
    deliver,
    async start(yaml) {
      const file = join(folder, 'flows.yaml');
      await writeFile(file, yaml);
      const logger = { debug: say, info: say, warn: say, error: say };
      const flows = await startFlows(file, { agent, logger, stdin: () => stdin });
      running.push(flows);
      return flows;
    },
    async records(file) {
      const text = await readFile(join(folder, file), 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as FlowRecord);
    },
    async close() {
      await Promise.all(running.map((flows) => flows.stop()));
      await agent.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function startParts(fleet: TestFleet, log: string[]): Promise<Agent> {
  const ports = bedPorts(createPowerCutStorage(), fleet, log);
  const passed = {
    ...{ passed: true, samples: 1, maxAbsError: 0, toleranceUsed: 0, reason: '' },
    ...{ latencyMs: 1, latencyP95Ms: 1, rssBytes: 1 },
    ...{ runtime: 'onnxruntime', provider: 'cpu', fallbacks: [] },
  };
  return startAgent(
    {
      ...ports,
      runtimes: [workerRuntime()],
      decoder: sharpDecoder(),
      // the bundle is this project's own, and its self-test is another suite's matter
      selfTester: { test: async () => passed },
      device: { ...ports.device, capabilities: async () => TOY_CAPABILITIES },
    },
    bedOptions(fleet),
  );
}

/** The status of the first flow, as soon as it fits. */
export const untilFlow = (flows: Flows, fits: (status: FlowStatus) => boolean) =>
  vi.waitFor(() => {
    const [status] = flows.status().flows;
    if (status === undefined || !fits(status)) throw new Error(JSON.stringify(status));
    return status;
  }, slow);
