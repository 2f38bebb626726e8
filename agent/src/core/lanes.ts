import type { Step } from './plan.ts';
import { isBeside } from './purpose.ts';

export interface LaneOptions {
  /** All steps that are left, in order within each slot. */
  plan(): Step[];
  execute(step: Step, signal: AbortSignal): Promise<void>;
  /** A step could not even be recorded as failed. */
  broken(step: Step, error: unknown): void;
  /**
   * Waits before a broken lane is tried again.
   *
   * @param failures of the same step in a row, from 1
   */
  pause(failures: number, signal: AbortSignal): Promise<void>;
}

export interface Lanes {
  /** Looks at the plan again: starts what is idle, interrupts what is no longer planned. */
  wake(): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  /** Interrupts everything; nothing starts any more. */
  stop(): Promise<void>;
}

interface Lane {
  readonly step: Step;
  readonly interrupt: AbortController;
  readonly done: Promise<void>;
}

/**
 * Runs the next step of every slot side by side, one step of a slot at a time; what comes beside a
 * slot's active model is a lane of its own, so that it holds nothing up.
 */
export function createLanes(options: LaneOptions): Lanes {
  const lanes = new Map<string, Lane>();
  const broken = new Map<string, { readonly step: Step; readonly failures: number }>();
  let stopped = false;

  async function run(step: Step, signal: AbortSignal): Promise<void> {
    const lane = laneOf(step);
    try {
      await options.execute(step, signal);
      broken.delete(lane);
    } catch (error) {
      if (signal.aborted) return;
      options.broken(step, error);
      const before = broken.get(lane);
      const isSameStep = before !== undefined && isSame(before.step, step);
      const failures = 1 + (isSameStep ? before.failures : 0);
      broken.set(lane, { step, failures });
      await options.pause(failures, signal);
    }
  }

  function start(step: Step): void {
    const interrupt = new AbortController();
    const done = run(step, interrupt.signal).finally(() => {
      lanes.delete(laneOf(step));
      wake();
    });
    lanes.set(laneOf(step), { step, interrupt, done });
  }

  function wake(): void {
    if (stopped) return;
    const next = firstOfEach(options.plan());
    for (const [name, lane] of lanes) {
      const planned = next.get(name);
      if (planned === undefined || !isSame(planned, lane.step)) lane.interrupt.abort();
    }
    // collecting garbage must not meet a download, whichever of them began
    const isCollecting = [...lanes.values()].some(({ step }) => step.kind === 'collect');
    const isBusy = lanes.size > 0;
    for (const [name, step] of next) {
      const waits = isCollecting || (step.kind === 'collect' && isBusy);
      if (!lanes.has(name) && !waits) start(step);
    }
  }

  return {
    wake,
    async idle() {
      while (lanes.size > 0) await Promise.all([...lanes.values()].map(({ done }) => done));
    },
    async stop() {
      stopped = true;
      for (const { interrupt } of lanes.values()) interrupt.abort();
      await Promise.all([...lanes.values()].map(({ done }) => done));
    },
  };
}

/** No slot has a space in its name. */
function laneOf(step: Step): string {
  const beside = 'deployment' in step ? isBeside(step.deployment) : step.kind === 'endShadow';
  return beside ? `${step.slot} beside` : step.slot;
}

function firstOfEach(steps: readonly Step[]): Map<string, Step> {
  const first = new Map<string, Step>();
  for (const step of steps) if (!first.has(laneOf(step))) first.set(laneOf(step), step);
  return first;
}

/** The same kind of step for the same (deployment, attempt). */
function isSame(a: Step, b: Step): boolean {
  const pair = (step: Step) =>
    'deployment' in step ? `${step.deployment.id} ${step.deployment.attempt}` : '';
  return a.kind === b.kind && pair(a) === pair(b);
}
