import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildProfile,
  encodeProfile,
  FixedBins,
  LogHistogram,
  Moments,
  type ReferenceProfile,
} from '@flotilla/model';
import { type Deployment, makeManifest, type Result, sha256 } from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  writeBundleFile,
} from '@flotilla/protocol/node';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
} from '../../fleet-server/src/testing/fake-device.ts';
import { startTestServer, type TestServer } from '../../fleet-server/src/testing/test-server.ts';
import { push, tarOf } from '../../fleet-server/src/testing/uploads.ts';

/** One tries to be markup. */
export const LABELS = [
  'bolt',
  'nut',
  'washer',
  'gear',
  'bracket',
  'spring',
  'bearing',
  '<b>cap</b>',
];
const FEATURES = { brightness: 0.52, contrast: 0.21, saturation: 0.34, sharpness: 0.47 } as const;
export type Feature = keyof typeof FEATURES;
const SPREAD = 0.08;
const MODEL = 'parts';
const OUTBOX = '00000000000000aa';

/** What a simulated window looks like. */
export interface Measured {
  /** Start, a multiple of the length. */
  readonly startMs: number;
  readonly lengthMs: number;
  readonly inferences: number;
  readonly latencyMs: number;
  readonly confidence: number;
  /** Class that is predicted more often than the others, by index, and how much of all. */
  readonly favors?: { readonly index: number; readonly share: number };
  /** How far a feature has moved, in standard deviations. */
  readonly shifts?: Partial<Record<Feature, number>>;
  /** Features that the device's own test calls drifted. */
  readonly suspects?: readonly Feature[];
}

/** Numbers between 0 and 1 that are the same in every run (mulberry32). */
function createChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A device over MQTT that takes what it is told, and says what a test makes it say. */
export class SimulatedDevice {
  readonly id: string;
  readonly link: FakeDevice;
  active: Deployment | undefined;
  /** How an attempt ends; `RESULT_IN_PROGRESS`: it stays under way. */
  result: (version: number) => Result = () => 'RESULT_COMMITTED';
  readonly #fleet: SimulatedFleet;
  #underWay: Deployment | undefined;
  #seen = '';
  #seq = 0;

  constructor(id: string, link: FakeDevice, fleet: SimulatedFleet) {
    this.id = id;
    this.link = link;
    this.#fleet = fleet;
  }

  /** Takes what is desired now, where it is new. */
  async obey(): Promise<void> {
    const wanted = this.link.desired.at(-1)?.slots.find(({ name }) => name === MODEL)?.active;
    if (wanted == null || this.#seen === `${wanted.id}/${wanted.attempt}`) return;
    this.#seen = `${wanted.id}/${wanted.attempt}`;
    const result = this.result(wanted.version);
    await this.#outcome(wanted, 'RESULT_IN_PROGRESS');
    this.#underWay = wanted;
    if (result !== 'RESULT_IN_PROGRESS') await this.finish(result);
  }

  /** Ends the attempt that is under way. */
  async finish(result: Result): Promise<void> {
    const wanted = this.#underWay;
    if (wanted === undefined) throw new Error(`${this.id} has nothing under way`);
    if (result === 'RESULT_COMMITTED') {
      this.active = wanted;
      await this.reportActive();
    }
    await this.#outcome(wanted, result);
  }

  async reportActive(): Promise<void> {
    const { active } = this;
    if (active === undefined) return;
    const { id: deployment, attempt, digest, version, precision } = active;
    await this.link.sync({
      active: [{ slot: MODEL, model: MODEL, deployment, attempt, digest, version, precision }],
    });
  }

  async #outcome({ id, attempt, digest }: Deployment, result: Result): Promise<void> {
    const step = result === 'RESULT_IN_PROGRESS' ? 'download' : 'commit';
    const failed = result === 'RESULT_FAILED' || result === 'RESULT_ROLLED_BACK';
    const outcome = {
      ...{ deployment: id, attempt, result, digest, slot: MODEL, step },
      ...{ bytesDone: 45_000, bytesTotal: 100_000 },
      ...(failed && { code: 'agent.self-test-failed', detail: 'golden output 0 differs by 0.31' }),
    };
    await this.link.report({ outbox: OUTBOX, seq: ++this.#seq, outcome });
  }

  async measure(measured: Measured): Promise<void> {
    if (this.active === undefined) throw new Error(`${this.id} runs nothing`);
    const { id: deployment, digest } = this.active;
    const window = { slot: MODEL, deployment, digest, ...this.#fleet.window(measured) };
    await this.link.telemetry({ outbox: OUTBOX, seq: ++this.#seq, window });
  }
}

/** A server in this process and devices that speak to it as true ones do. */
export class SimulatedFleet {
  readonly server: TestServer;
  readonly devices: SimulatedDevice[] = [];
  readonly #chance = createChance(7);
  readonly #profile: ReferenceProfile;
  #profileDigest = '';
  readonly #timer: NodeJS.Timeout;

  private constructor(server: TestServer) {
    this.server = server;
    this.#profile = buildProfile(
      Array.from({ length: 800 }, (_, i) => ({
        features: Object.fromEntries(
          Object.entries(FEATURES).map(([name, mean]) => [name, this.#normal(mean, SPREAD)]),
        ),
        classIndex: i % LABELS.length,
        confidence: this.#sure(0.92),
      })),
      LABELS.length,
    );
    this.#timer = setInterval(() => {
      // a link may be closed while the last turn is under way
      for (const device of this.devices) device.obey().catch(() => undefined);
    }, 20);
  }

  static async start(): Promise<SimulatedFleet> {
    return new SimulatedFleet(await startTestServer());
  }

  async addDevice(name: string, target: string, site: string): Promise<SimulatedDevice> {
    const identity = await enrollDevice(this.server, { name, target, tags: { site } });
    const link = await connectDevice(identity);
    await link.state(1);
    await link.sync();
    const device = new SimulatedDevice(identity.device, link, this);
    this.devices.push(device);
    return device;
  }

  /** Pushes a version with a bundle for each target, with labels and reference profile. */
  async push(version: number, targets: readonly string[]): Promise<void> {
    const utf8 = new TextEncoder();
    const profile = encodeProfile(this.#profile);
    this.#profileDigest = await sha256(profile);
    const metadata = createRepository(createSigner(generateKeyPair()), { fleet: 'local' });
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-bundles-'));
    const files: Record<string, Uint8Array> = {};
    for (const target of targets) {
      const content = await makeManifest({
        config: {
          ...{ formatVersion: 1, model: MODEL, version, target, precision: 'int8', epoch: 0 },
          runtime: { name: 'onnxruntime', minOpset: 13, opset: 13 },
          memoryBytes: 1 << 20,
          sourceDigest: `sha256:${'0'.repeat(64)}`,
          tools: {},
        },
        model: utf8.encode(`model ${version} for ${target}`),
        spec: utf8.encode('schema: 1\n'),
        labels: utf8.encode(`${LABELS.join('\n')}\n`),
        golden: utf8.encode('golden'),
        recipe: utf8.encode('{}'),
        profile,
      });
      const name = `${target}.flotilla`;
      await writeBundleFile(join(folder, name), { ...content, metadata });
      files[name] = await readFile(join(folder, name));
    }
    await rm(folder, { recursive: true });
    const { status, body } = await push(this.server, MODEL, await tarOf(files));
    if (status !== 202) throw new Error(JSON.stringify(body));
  }

  async rollOut(version: number, order: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { status, body } = await this.server.call('POST', '/rollouts', {
      ...{ model: MODEL, version, waves: ['1', '50%', '100%'], soakMs: 0, maxSoakMs: 3_600_000 },
      ...order,
    });
    if (status !== 201) throw new Error(JSON.stringify(body));
    return String(body.id);
  }

  async stateOf(rollout: string): Promise<string> {
    return String((await this.server.call('GET', `/rollouts/${rollout}`)).body.state);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const { link } of this.devices) await link.close();
    await this.server.stop();
  }

  /** @returns what a device would send of such a time */
  window({ startMs, lengthMs, inferences, latencyMs, confidence, ...rest }: Measured) {
    const { favors, shifts = {}, suspects = [] } = rest;
    const latency = new LogHistogram();
    const sure = new Moments();
    const sureBins = new FixedBins(Array.from({ length: 19 }, (_, i) => (i + 1) / 20));
    const classCounts = LABELS.map(() => 0);
    for (let i = 0; i < inferences; i++) {
      latency.record(
        1000 * latencyMs * (0.8 + 0.3 * this.#chance() + (this.#chance() > 0.97 ? 1 : 0)),
      );
      const value = this.#sure(confidence);
      sure.record(value);
      sureBins.count(value);
      const favored = favors !== undefined && this.#chance() < favors.share;
      const index = favored ? favors.index : Math.floor(this.#chance() * LABELS.length);
      classCounts[index] = (classCounts[index] ?? 0) + 1;
    }
    return {
      ...{ role: 'ROLE_ACTIVE' as const, startMs, lengthMs, inferences, errors: 0, classCounts },
      latencyUs: latency.toWire(),
      confidence: sure.toWire(),
      confidenceBins: [...sureBins.counts],
      profileDigest: this.#profileDigest,
      features: this.#profile.features.map(({ name, edges }) => {
        const bins = new FixedBins(edges);
        const mean = FEATURES[name as Feature] + SPREAD * (shifts[name as Feature] ?? 0);
        for (let i = 0; i < inferences; i++) bins.count(this.#normal(mean, SPREAD));
        return { name, counts: [...bins.counts] };
      }),
      drift: suspects.map((name) => ({ name, statistic: 0.6, threshold: 0.2, drifted: true })),
      resources: {
        rssBytes: 120e6,
        cpuMs: 900,
        temperatureC: 51,
        throttled: false,
        bytesWritten: 0,
      },
    };
  }

  /** Box and Muller. */
  #normal(mean: number, spread: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#chance()));
    return mean + spread * radius * Math.cos(2 * Math.PI * this.#chance());
  }

  #sure(mean: number): number {
    return Math.min(0.999, Math.max(0.05, this.#normal(mean, 0.12 * (1 - mean) + 0.05)));
  }
}
