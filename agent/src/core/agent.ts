/**
 * The way of a deployment on a device (DESIGN §2): what is and what is wanted give the steps that
 * are left (`planSteps`), each is carried out (`executeStep`: download → verify → selfTest →
 * activate → watch → commit or rollBack), and how it ended goes to the server (`report`).
 */
import { deviceTopics, encode } from '@flotilla/protocol';
import { type AgentOptions, type AgentPorts, assemble, type Parts } from './assemble.ts';
import { createDeviceWatch } from './device-watch.ts';
import { createInbox } from './inbox.ts';
import type { Labels } from './labels.ts';
import { createLanes } from './lanes.ts';
import { type Link, startLink } from './link/link.ts';
import { planSteps, type Step, type StepKind } from './plan.ts';
import { activeOf, syncOf } from './report.ts';
import { takeInFailure } from './self-update/launch-file.ts';
import type { Inference, LoadedModel, RawInputs } from './serving/loaded-model.ts';
import { startShadows } from './shadow/start-shadows.ts';
import { isByHand, stepsByHand } from './side-load/holds.ts';
import type { SideLoad } from './side-load/side-load.ts';
import { startSlots } from './start-slots.ts';
import { isAnyTried, noteStart, noteStop, uncleanStarts } from './starts.ts';
import { type AgentStatus, statusOf } from './status.ts';
import { executeStep } from './steps/execute.ts';
import { runTelemetry } from './telemetry/run.ts';
import { createWakeup } from './wakeup.ts';

export interface Agent {
  /** Slots that have a model, sorted. */
  readonly slots: readonly string[];
  model(slot: string): LoadedModel | undefined;
  /** @throws FlotillaError `infer.no-slot`, `infer.failed`, or what the pipeline says of the input */
  infer(slot: string, inputs: RawInputs): Promise<Inference>;
  /** Keeps what an inference said under an id of the caller's, until `label` tells what is true. */
  readonly remember: Labels['remember'];
  readonly label: Labels['label'];
  status(): AgentStatus;
  /** Takes a bundle in that a person brings, and begins its attempt. */
  readonly load: SideLoad['load'];
  /** Ends what was loaded by hand in a slot. */
  readonly unload: SideLoad['unload'];
  /** Slots that owe an answer for too long, or whose runtime died; a watchdog looks at this. */
  unresponsive(): readonly string[];
  /** Resolves when no step runs. */
  idle(): Promise<void>;
  /** Ends windows, says goodbye, lets the models go. */
  stop(): Promise<void>;
}

/** How often the plan is looked at again without a cause: windows open and deadlines pass. */
const REPLAN_MS = 5_000;
/** Before a step that could not even fail is tried again; after so many failures, doubling. */
const BROKEN_PAUSE_MS = { first: 15_000, longest: 900_000 };
const SOON_TRIES = 5;
const brokenPauseMs = (failures: number): number =>
  Math.min(
    BROKEN_PAUSE_MS.longest,
    BROKEN_PAUSE_MS.first * 2 ** Math.max(0, failures - SOON_TRIES),
  );

/** Steps that change what a slot runs. */
const CHANGING: ReadonlySet<StepKind> = new Set([
  'activate',
  'commit',
  'rollBack',
  'remove',
  'restore',
]);

/** Starts with the models that the journal names, then connects: inference needs no server. */
export async function startAgent(ports: AgentPorts, options: AgentOptions): Promise<Agent> {
  let wake = () => {};
  let online = () => false;
  const parts = await assemble(ports, options, {
    changed: () => wake(),
    online: () => online(),
  });
  const { journal, serving, clock, context, reporter } = parts;
  const { logger } = ports;
  const stopping = new AbortController();

  await takeInFailure(journal, ports.storage).catch((error) => {
    logger.error('failed update not taken in', { error });
  });
  // a full disk must not keep a device from serving
  const noted = noteStart(journal).catch((error) => logger.error('start not counted', { error }));
  // what is proven need not wait for the medium
  if (isAnyTried(journal.state)) await noted;
  await startSlots({ journal, serving, clock, logger, load: context.load });
  await noted;

  const lanes = createLanes({
    plan() {
      const { state } = journal;
      const steps = planSteps({ ...state, nowMs: clock.trustedNow() }, parts.wanted());
      return options.identity === undefined ? stepsByHand(state, steps) : steps;
    },
    execute: async (step, signal) => {
      await reporter.begin(step);
      await executeStep(context, step, signal);
      await report(step);
    },
    broken: (step, error) => logger.error('step cannot go on', { step: step.kind, error }),
    pause: (failures, signal) => clock.sleep(brokenPauseMs(failures), signal),
  });
  const windows = createWakeup(clock);
  wake = () => lanes.wake();
  const link = connect(ports, options, parts, stopping.signal, () => {
    lanes.wake();
    windows.wake();
  });
  online = () => link?.online ?? false;

  async function report(step: Step): Promise<void> {
    await reporter.endings();
    if (CHANGING.has(step.kind)) link?.announce();
  }

  async function replan(): Promise<void> {
    while (!stopping.signal.aborted) {
      await reporter.endings();
      lanes.wake();
      await clock.sleep(REPLAN_MS, stopping.signal);
    }
  }

  const { pulse, shadows } = context;
  const watch = createDeviceWatch({
    device: ports.device,
    clock,
    logger,
    changed: () => link?.announce(),
  });
  const running = Promise.all([
    replan(),
    options.identity && startShadows({ ...context, logger }, stopping.signal),
    watch.run(stopping.signal),
    runTelemetry(
      {
        ...parts,
        device: ports.device,
        logger,
        wakeup: windows,
        isTold: ({ deployment = '' }) => link !== undefined && !isByHand(journal.state, deployment),
        stored: () => parts.sender.wake(),
      },
      stopping.signal,
    ),
  ]);
  running.catch((error) => logger.error('agent cannot go on', { error }));

  return {
    get slots() {
      return serving.slots;
    },
    model: (slot) => serving.model(slot),
    infer: (slot, inputs) => pulse.infer(slot, inputs),
    remember: parts.labels.remember,
    label: parts.labels.label,
    unresponsive: () => pulse.unresponsive(),
    status: () => statusOf(parts, options, link?.online ?? false, watch.health),
    load: parts.sideLoad.load,
    unload: parts.sideLoad.unload,
    idle: () => lanes.idle(),
    async stop() {
      stopping.abort();
      await lanes.stop();
      await running;
      await link?.stop();
      await noteStop(journal).catch((error) => {
        logger.error('clean stop not noted', { error });
      });
      await Promise.all([shadows.close(), serving.close()]);
    },
  };
}

/** Ties the link to the inbox and the outbox; none where the device is in no fleet. */
function connect(
  ports: AgentPorts,
  { identity, backoff, version }: AgentOptions,
  { journal, outbox, clock, sender, overMqtt }: Parts,
  stopping: AbortSignal,
  changed: () => void,
): Link | undefined {
  if (identity === undefined) return undefined;
  const topics = deviceTopics(identity.fleet, identity.device);
  let sending = new AbortController();
  const received = createInbox({
    ...ports,
    identity,
    journal,
    outbox,
    clock,
    stopping,
    changed,
    settled: () => sender.wake(),
    answer: (command, result) => {
      const payload = encode('CommandResult', { at: clock.stamp(), ...result });
      return link.publish(topics.commandResult(command), payload, { qos: 1 });
    },
  });
  const link: Link = startLink(
    { ...ports, identity, journal, clock, backoff },
    {
      birth: async () => ({
        capabilities: await ports.device.capabilities(),
        active: activeOf(journal.state.slots),
        agentVersion: version,
        timeZone: await ports.device.timeZone(),
        uncleanStarts: uncleanStarts(journal.state),
      }),
      sync: () => syncOf(journal.state),
      received(topic, payload) {
        if (!overMqtt.receive(topic, payload)) received(topic, payload);
      },
      connected(connection) {
        const own = new AbortController();
        sending = own;
        overMqtt.attach(connection);
        const publish = (topic: 'report' | 'telemetry', payload: Uint8Array) =>
          connection.publish(topics.up[topic], payload, { qos: 1 });
        outbox
          .expire(clock.trustedNow())
          .then(() => sender.run(publish, own.signal))
          .catch((error) => ports.logger.error('outbox cannot be sent', { error }));
        changed();
      },
      disconnected() {
        sending.abort();
        overMqtt.detach();
      },
    },
  );
  return link;
}
