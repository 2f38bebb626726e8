import type { Deployment, Result } from '@flotilla/protocol';
import type { FindFault } from './faults.ts';
import { STEP_SHARES, STEPS, type StepName } from './steps.ts';

/** How an attempt ended, as it is reported and repeated. */
export interface Ending {
  readonly result: Result;
  readonly step: string;
  readonly code: string;
  readonly detail: string;
}

/** What an attempt needs of the device that it runs on. */
export interface AttemptHost {
  readonly faults: FindFault;
  /** How long the longest step of this device takes, ms. */
  readonly stepMs: number;
  now(): number;
  halted(): boolean;
  /** Fetches what the simulation was asked to fetch. */
  download(deployment: Deployment): Promise<void>;
  began(step: StepName): void;
  /** The new version runs, on trial. */
  activated(): void;
  ended(ending: Ending): void;
}

/** Starts on trial that no clean stop came before, after which an agent gives a version up. */
const MAX_TRIAL_STARTS = 3;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Steps of a shadow, which takes nothing over and so has nothing to watch. */
const SHADOW_STEPS = STEPS.filter((step) => step !== 'activate' && step !== 'watch');

/**
 * One attempt at a deployment, as an agent takes it: step after step, each told when it begins, and
 * one ending. A crash of the device begins the step anew.
 */
export class Attempt {
  readonly deployment: Deployment;
  readonly shadow: boolean;
  readonly #host: AttemptHost;
  readonly #steps: readonly StepName[];
  #at = 0;
  #timer: NodeJS.Timeout | undefined;
  #trialStarts = 0;
  #activated = false;
  #run = 0;

  constructor(host: AttemptHost, deployment: Deployment, shadow: boolean) {
    this.#host = host;
    this.deployment = deployment;
    this.shadow = shadow;
    this.#steps = shadow ? SHADOW_STEPS : STEPS;
  }

  get step(): StepName {
    return this.#steps[this.#at] ?? 'commit';
  }

  get isActivated(): boolean {
    return this.#activated;
  }

  /** Goes on with the step it is in; also after a crash, a halt, or a start of the simulation. */
  resume(): void {
    this.suspend();
    if (this.#host.halted() && this.step !== 'watch') return;
    const { step, deployment } = this;
    const refusal = this.#activated ? undefined : timingOf(deployment, this.#host.now());
    if (refusal !== undefined) {
      if (typeof refusal !== 'number') return void this.#fail(refusal.code, refusal.detail);
      return void this.#after(refusal, () => this.resume());
    }
    if (step === 'commit') return void this.#commit();
    this.#host.began(step);
    const stuck = this.#fault('stuck');
    if (stuck?.step === step) return;
    if (step === 'download') {
      const run = this.#run;
      const done = () =>
        run === this.#run && this.#after(this.#duration(step), () => this.#finish());
      this.#host.download(deployment).then(done, (error: Error) => {
        if (run === this.#run) this.#fail('download.failed', error.message);
      });
    } else this.#after(this.#duration(step), () => this.#finish());
  }

  /** Stops where it is, without a word. */
  suspend(): void {
    this.#run++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The device died and starts again. */
  crashed(): void {
    this.suspend();
    if (this.#activated && ++this.#trialStarts > MAX_TRIAL_STARTS) {
      const detail = `the agent died ${this.#trialStarts} times with this model on trial`;
      this.#fail('deployment.crash-loop', detail);
    }
  }

  /** Something else is wanted in its place. */
  supersede(): void {
    this.suspend();
    this.#fail('deployment.superseded', 'something else is wanted in this slot');
  }

  #fault(kind: 'fail' | 'stuck') {
    return this.#host.faults(kind, this.deployment.model, this.deployment.version);
  }

  #duration(step: StepName): number {
    return step === 'watch' ? this.deployment.watchMs : this.#host.stepMs * STEP_SHARES[step];
  }

  #finish(): void {
    const fault = this.#fault('fail');
    if (fault?.step === this.step) return void this.#fail(fault.code, `simulated in ${this.step}`);
    if (this.step === 'activate') {
      this.#activated = true;
      this.#host.activated();
    }
    this.#at++;
    this.resume();
  }

  #commit(): void {
    if (this.#fault('stuck')?.step === 'commit') return;
    const fault = this.#fault('fail');
    if (fault?.step === 'commit') return void this.#fail(fault.code, 'simulated in commit');
    this.#host.ended({ result: 'RESULT_COMMITTED', step: 'commit', code: '', detail: '' });
  }

  #fail(code: string, detail: string): void {
    const result = this.#activated ? 'RESULT_ROLLED_BACK' : 'RESULT_FAILED';
    this.#host.ended({ result, step: this.step, code, detail });
  }

  #after(ms: number, work: () => void): void {
    this.#timer = setTimeout(work, Math.min(ms, LONGEST_TIMER_MS));
  }
}

/** Milliseconds until its window opens, or why it is too late; undefined where it may go on. */
function timingOf(
  { notBeforeMs, notAfterMs, deadlineMs }: Deployment,
  now: number,
): number | Pick<Ending, 'code' | 'detail'> | undefined {
  if (deadlineMs !== 0 && now > deadlineMs) {
    return { code: 'deployment.deadline-passed', detail: 'not activated by its deadline' };
  }
  if (notAfterMs !== 0 && now > notAfterMs) {
    return { code: 'deployment.window-closed', detail: 'not activated within its window' };
  }
  return now < notBeforeMs ? notBeforeMs - now : undefined;
}
