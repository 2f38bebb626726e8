import type { ImageDecoder, Runtime } from '@flotilla/model';
import type { Verifier } from '@flotilla/protocol';
import type { BackoffOptions } from './backoff.ts';
import { openBlobStore } from './blobs.ts';
import { type Identity, NOBODY } from './identity.ts';
import { type Journal, openJournal } from './journal.ts';
import { createLabels, type Labels } from './labels.ts';
import { createFleetClock, type FleetClock } from './link/fleet-clock.ts';
import { type Outbox, type OutboxLimits, openOutbox } from './outbox/outbox.ts';
import { createSender, type Sender } from './outbox/sender.ts';
import { neededBundles } from './plan.ts';
import type {
  Clock,
  Credentials,
  Device,
  Fetcher,
  Logger,
  Random,
  RuntimeCache,
  SelfTester,
  Sha256,
  Storage,
  Transport,
  Unpack,
} from './ports.ts';
import { createReporter, type Reporter } from './reporter.ts';
import type { SelfUpdater } from './self-update/self-updater.ts';
import { createFootprint } from './serving/footprint.ts';
import { guardLoad } from './serving/load-guard.ts';
import { loadModel, type ServingLimits } from './serving/loaded-model.ts';
import { createPulse } from './serving/pulse.ts';
import { createServing, type Serving } from './serving/serving.ts';
import { createShadows } from './shadow/shadows.ts';
import { wantedHere } from './side-load/holds.ts';
import { createSideLoad, type SideLoad } from './side-load/side-load.ts';
import type { Installed, Wanted } from './state.ts';
import type { StepContext, StepSettings } from './steps/context.ts';
import { createRecorder, type Recorder } from './telemetry/recorder.ts';
import { createBandwidth } from './transfer/bandwidth.ts';
import { createWayChooser } from './transfer/choose-way.ts';
import { createMqttFetcher, type MqttFetcher } from './transfer/mqtt-fetcher.ts';
import { lowest } from './transfer/policy.ts';

/** What an agent needs from where it runs. */
export interface AgentPorts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly fetcher: Fetcher;
  readonly credentials: Credentials;
  readonly verifier: Verifier;
  /** In order of preference. */
  readonly runtimes: readonly Runtime[];
  readonly runtimeCache: RuntimeCache;
  readonly decoder: ImageDecoder;
  readonly selfTester: SelfTester;
  readonly updater: SelfUpdater;
  readonly device: Device;
  readonly logger: Logger;
  /** Left out where there is none: then no deltas are fetched. */
  readonly unpack?: Unpack;
  sha256(): Sha256;
  /** 16 random hex digits. */
  newOutboxId(): string;
}

export interface AgentOptions {
  /** Left out where the device is in no fleet: it serves what was loaded by hand. */
  readonly identity?: Identity;
  /** The root that was pinned at enrolment, as text; empty without one. */
  readonly root: string;
  /** Version of the agent. */
  readonly version: string;
  readonly backoff: BackoffOptions;
  readonly outbox: OutboxLimits;
  readonly steps: StepSettings;
  readonly serving: ServingLimits;
  /** Length of a telemetry window where the server names none. */
  readonly telemetryWindowMs: number;
  /** Length of a telemetry window, whatever the server says; 0 leaves it to the server. */
  readonly telemetryOverrideMs: number;
}

export interface Parts {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly sender: Sender;
  readonly reporter: Reporter;
  readonly clock: FleetClock;
  readonly serving: Serving;
  readonly recorder: Recorder;
  readonly labels: Labels;
  readonly context: StepContext;
  readonly sideLoad: SideLoad;
  readonly overMqtt: MqttFetcher;
  /** What this device is to run, by the server and by whoever stands at it. */
  wanted(): Wanted;
}

/** Shorter windows would be all overhead. */
const SHORTEST_WINDOW_MS = 100;

/** A shadow runs one sample after the other. */
const ONE_BY_ONE: ServingLimits = { maxBatch: 1, delayMs: 0, maxQueue: 1 };

/** What parts ask of the agent that is made of them. */
interface AgentHooks {
  /** There is something to plan. */
  changed(): void;
  /** Whether the device is connected to its server. */
  online(): boolean;
}

/** Opens what lies on disk and puts the parts together. */
export async function assemble(
  ports: AgentPorts,
  options: AgentOptions,
  { changed, online }: AgentHooks,
): Promise<Parts> {
  const { storage } = ports;
  const clock = createFleetClock(ports.clock);
  const journal = await openJournal(storage, options.root);
  const blobs = await openBlobStore(storage);
  await blobs.sweep();
  const outbox = await openOutbox(storage, () => ports.newOutboxId(), options.outbox);
  const windowMs = () => {
    const said = journal.state.wanted.telemetryWindowMs || options.telemetryWindowMs;
    return Math.max(SHORTEST_WINDOW_MS, options.telemetryOverrideMs || said);
  };
  const sender = createSender({ outbox, clock, random: ports.random, logger: ports.logger });
  const reporter = createReporter({
    journal,
    outbox,
    clock,
    logger: ports.logger,
    stored: () => sender.wake(),
  });
  const recorder = createRecorder(clock, windowMs);
  const labels = createLabels(recorder);
  const serving = createServing(recorder, clock);
  const pulse = createPulse(serving, clock);
  const footprint = createFootprint(() => ports.device.rssBytes());
  const { loadOptions, loadTimeoutMs, bandwidth } = options.steps;
  const loader = (serving: ServingLimits) => (slot: string, installed: Installed) =>
    loadModel({ ...ports, blobs, clock, loadOptions, serving }, slot, installed);
  const guarded = guardLoad(loader(options.serving), clock, footprint, loadTimeoutMs);
  const guardedShadow = guardLoad(loader(ONE_BY_ONE), clock, footprint, loadTimeoutMs);
  const shadows = createShadows({
    ...ports,
    journal,
    serving,
    recorder: recorder.shadows,
    labels,
    clock,
    changed,
  });
  const incoming = new Set<string>();
  const wanted = () => wantedHere(journal.state, incoming);
  const overMqtt = createMqttFetcher({ identity: options.identity ?? NOBODY, clock });
  const context: StepContext = {
    ...ports,
    identity: options.identity ?? NOBODY,
    clock,
    journal,
    blobs,
    serving,
    pulse,
    footprint,
    settings: options.steps,
    fetcher: createWayChooser({
      http: ports.fetcher,
      mqtt: overMqtt,
      clock,
      policy: () => journal.state.wanted.download?.transport ?? 'auto',
    }),
    bandwidth: createBandwidth(clock, () =>
      lowest(bandwidth, journal.state.wanted.download?.bandwidth ?? 0),
    ),
    sha256: () => ports.sha256(),
    needed: () => neededBundles(journal.state, wanted()),
    online,
    authorize: async () => ({
      authorization: `Bearer ${await ports.credentials.token(clock.now())}`,
    }),
    load: guarded,
    shadows,
    // memory is watched by slot, and a shadow's is not that of the model which it runs beside
    loadShadow: (slot, ...rest) => guardedShadow(`the shadow of ${slot}`, ...rest),
    progress: (outcome) => reporter.progress(outcome),
  };
  const sideLoad = createSideLoad(context, incoming, changed);
  const rest = { context, labels, sideLoad, overMqtt, wanted };
  return { journal, outbox, sender, reporter, clock, serving, recorder, ...rest };
}
