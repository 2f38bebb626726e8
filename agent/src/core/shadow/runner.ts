import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { Labels } from '../labels.ts';
import type { Clock, Device } from '../ports.ts';
import type { Inference, LoadedModel, Seen } from '../serving/loaded-model.ts';
import type { ShadowPlan } from '../state.ts';
import type { ShadowRecorder } from '../telemetry/recorder.ts';
import { agreement } from './agree.ts';
import { createSampler } from './sampler.ts';
import { createTaker } from './take-over.ts';

export interface RunnerPorts {
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly device: Pick<Device, 'condition'>;
  readonly recorder: ShadowRecorder;
  readonly labels: Pick<Labels, 'alsoSaid'>;
  /** As the server wants it now. */
  plan(): ShadowPlan;
  /** The shadow is of no use any more: it hangs, or its runtime died. */
  lost(error: FlotillaError): void;
}

export interface ShadowRunner {
  /** Watches the inferences of a model, to run some of them through the shadow too. */
  watch(active: LoadedModel): Seen;
  stop(): void;
}

/** An inference that waits for the shadow; what it refers to is nobody else's. */
interface Sample {
  readonly active: LoadedModel;
  readonly inference: Inference;
  run(): Promise<Inference>;
}

/** The active model is looked at so often while it has work, doubling; a rest that is long in parts. */
const LOOK_MS = { first: 2, longest: 50, resting: 60_000 };
/** A look at temperature and throttling counts so long. */
const CONDITION_MS = 5_000;
/** Longer than any one inference that a device is made for. */
const HUNG_MS = 60_000;

/**
 * Runs samples of what the active model answered through the shadow: one at a time, after the answer,
 * while the active model has nothing to do and the device neither runs hot nor is slowed down, and
 * after each run so long a rest that the share of time is kept. One sample waits at most; those that
 * come meanwhile are counted as skipped.
 */
export function createShadowRunner(
  { clock, device, recorder, labels, plan, lost }: RunnerPorts,
  shadow: LoadedModel,
): ShadowRunner {
  const stopping = new AbortController();
  const takes = createSampler(shadow.installed.deployment);
  let waiting: Sample | undefined;
  let pumping = false;
  let restUntilMs = 0;
  let cool = { untilMs: 0, yes: false };

  const skip = (active: LoadedModel) => recorder.skipped(shadow, active.installed.digest);

  async function isCool(): Promise<boolean> {
    const nowMs = clock.monotonic();
    if (nowMs < cool.untilMs) return cool.yes;
    const { temperatureC, throttledBy } = await device.condition();
    const { maxTemperatureC: limit } = plan();
    const yes = throttledBy.length === 0 && (limit === 0 || temperatureC <= limit);
    cool = { untilMs: nowMs + CONDITION_MS, yes };
    return yes;
  }

  /** Resolves when the shadow has rested and the active model has nothing to do. */
  async function untilFree({ active }: Sample): Promise<void> {
    let lookMs = LOOK_MS.first;
    // the answer goes out first
    await clock.sleep(0, stopping.signal);
    while (!stopping.signal.aborted) {
      const restMs = restUntilMs - clock.monotonic();
      if (restMs <= 0 && active.load.pending === 0) return;
      const pauseMs = Math.min(Math.max(restMs, lookMs), LOOK_MS.resting);
      await clock.sleep(pauseMs, stopping.signal);
      lookMs = Math.min(2 * lookMs, LOOK_MS.longest);
    }
  }

  async function run({ active, inference, run: start }: Sample): Promise<void> {
    const beganMs = clock.monotonic();
    const { digest } = active.installed;
    try {
      const own = await inTime(start());
      const said = agreement(inference.predictions, own.predictions);
      const times = { activeRunMs: inference.runMs, shadowRunMs: own.runMs };
      recorder.compared(shadow, digest, { ...said, ...times }, own);
      labels.alsoSaid(inference, own);
    } catch (error) {
      if (stopping.signal.aborted) return;
      // what the active model answered is no wrong input
      recorder.failed(shadow, digest);
      if (isLost(error)) lost(error);
    }
    const busyPermille = Math.max(1, plan().busyPermille);
    const endMs = clock.monotonic();
    restUntilMs = endMs + ((endMs - beganMs) * (1000 - busyPermille)) / busyPermille;
  }

  async function inTime(running: Promise<Inference>): Promise<Inference> {
    const over = new AbortController();
    const either = AbortSignal.any([over.signal, stopping.signal]);
    const tired = clock.sleep(HUNG_MS, either).then(() => undefined);
    const inference = await Promise.race([running, tired]).finally(() => over.abort());
    if (inference !== undefined) return inference;
    running.catch(() => undefined);
    const seconds = HUNG_MS / 1000;
    throw new FlotillaError('deployment.hung', { slot: shadow.installed.model, seconds });
  }

  async function pump(): Promise<void> {
    pumping = true;
    while (waiting !== undefined) {
      const sample: Sample = waiting;
      await untilFree(sample);
      const mayRun = await isCool().catch(() => false);
      waiting = undefined;
      if (stopping.signal.aborted) return;
      if (mayRun) await run(sample);
      else skip(sample.active);
    }
    pumping = false;
  }

  return {
    watch(active) {
      const take = createTaker(active, shadow);
      return (inputs, prepared, inference) => {
        const { samplePermille, busyPermille } = plan();
        if (stopping.signal.aborted || !takes(samplePermille)) return;
        if (waiting !== undefined || busyPermille === 0) return skip(active);
        try {
          waiting = { active, inference, run: take(inputs, prepared) };
        } catch {
          // there may be no memory for a copy: that is not the caller's concern
          return skip(active);
        }
        if (!pumping) void pump();
      };
    },
    stop() {
      stopping.abort();
      waiting = undefined;
    },
  };
}

const isLost = (error: unknown): error is FlotillaError =>
  isFlotillaError(error, 'deployment.hung') ||
  (isFlotillaError(error, 'infer.failed') && isFlotillaError(error.cause, 'runtime.died'));
