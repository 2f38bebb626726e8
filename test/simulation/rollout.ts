import { judgeGates } from '../../fleet-server/src/rollouts/gates/index.ts';
import { emptySide } from '../../fleet-server/src/rollouts/gates/testing.ts';
import type {
  Evidence,
  Side,
  Tally,
  Verdict,
} from '../../fleet-server/src/rollouts/gates/types.ts';
import { planWave } from '../../fleet-server/src/rollouts/plan.ts';
import { settingsOf } from '../../fleet-server/src/rollouts/settings.ts';
import { mergeSides } from '../../fleet-server/src/rollouts/sides.ts';
import { modelMember, snapshotOf } from '../../fleet-server/src/rollouts/testing-plan.ts';
import type { Action, PlanRollout } from '../../fleet-server/src/rollouts/types.ts';
import { waveSizes } from '../../fleet-server/src/rollouts/waves.ts';
import {
  createDevice,
  type DeviceModel,
  type Variants,
  type Version,
  WINDOW_MS,
} from './device.ts';
import { createDraws, type Draws } from './draws.ts';

export interface Scenario {
  readonly seed: number;
  readonly devices: number;
  /** The new version, as it is on the devices of each variant. */
  readonly versionOf: (variant: string) => Version;
  readonly variants: Variants;
  readonly soakMs: number;
}

/** How a rollout went on the virtual clock. */
export interface Course {
  readonly state: PlanRollout['state'];
  readonly haltedBy: string;
  readonly sentence: string;
  /** When the server heard of the first device that could not keep the version; −1 if it never did. */
  readonly firstBadMs: number;
  /** When the rollout was halted; −1 if it never was. */
  readonly haltedMs: number;
  /** Waves opened by then, and devices asked. */
  readonly waves: number;
  readonly touched: number;
  /** Every device that was asked runs the previous version again. */
  readonly undone: boolean;
}

/** A device of the rollout: what the server knows of it, and what is still on its way there. */
interface Member {
  row: ReturnType<typeof modelMember>;
  readonly device: DeviceModel;
  /** When the server hears the end of the attempt, or of the way back; 0 where nothing is under way. */
  endsMs: number;
  /** Windows are told from here on; 0 where it does not run the version. */
  runsMs: number;
  candidate: Side;
}

const STEP_MS = 1000;
/** Three waves that soak as long as they may; what has not ended by then waits for a person. */
const LONGEST_SOAKS = 40;

/** Runs a rollout with the real planner and gates; only devices, broker and database are simulated. */
export function simulateRollout(scenario: Scenario): Course {
  const clock = new VirtualRollout(scenario);
  const longestMs = LONGEST_SOAKS * scenario.soakMs;
  for (let now = 0; now < longestMs && !clock.ended; now += STEP_MS) clock.step(now);
  return clock.course();
}

/** In the order of the server's waves: however far a rollout has gone, each target has had its share. */
function balanced(devices: readonly DeviceModel[]): DeviceModel[] {
  const strata = [...Map.groupBy(devices, ({ variant }) => variant).values()];
  const placed = strata.flatMap((of) => of.map((device, i) => ({ device, at: i / of.length })));
  return placed.sort((a, b) => a.at - b.at).map(({ device }) => device);
}

class VirtualRollout {
  readonly #draws: Draws;
  readonly #settings;
  readonly #variants: readonly string[];
  readonly #members: Member[];
  #rollout: PlanRollout;
  #verdicts: readonly Verdict[] = [];
  #fresh = false;
  #sentence = '';
  #firstBadMs = -1;
  #haltedMs = -1;

  constructor({ seed, devices, versionOf, variants, soakMs }: Scenario) {
    this.#variants = Object.keys(variants);
    this.#draws = createDraws(seed);
    this.#settings = settingsOf({ model: 'parts', version: 2, soakMs });
    const models = Array.from({ length: devices }, () =>
      createDevice(this.#draws, versionOf, variants),
    );
    this.#members = balanced(models).map((device, i) => ({
      row: modelMember(i),
      device,
      endsMs: 0,
      runsMs: 0,
      candidate: emptySide(),
    }));
    this.#rollout = {
      ...this.#settings,
      state: 'running',
      haltedBy: undefined,
      sizes: waveSizes(this.#settings.waves, devices),
      wave: -1,
      approvedWaves: 0,
      accepted: [],
      rateMs: 0,
    };
  }

  get ended(): boolean {
    return ['done', 'rolled-back', 'aborted'].includes(this.#rollout.state);
  }

  step(now: number): void {
    for (const member of this.#members) this.#hear(member, now);
    if (this.#fresh && this.#rollout.state === 'running' && this.#rollout.wave >= 0) {
      this.#verdicts = judgeGates(this.#evidence(), this.#settings.gates);
      this.#fresh = false;
    }
    for (;;) {
      const rows = this.#members.map(({ row }) => row);
      const actions = planWave(snapshotOf(this.#rollout, rows, this.#verdicts, now), now);
      if (actions.length === 0 || this.ended) return;
      for (const action of actions) this.#execute(action, now);
    }
  }

  /** What a device has told the server by now: ends of attempts, and windows as they close. */
  #hear(member: Member, now: number): void {
    if (member.endsMs > 0 && now >= member.endsMs) this.#end(member, now);
    // windows begin at multiples of their length, and take a second to arrive
    if (member.runsMs === 0 || (now - STEP_MS) % WINDOW_MS !== 0) return;
    if (now - STEP_MS - WINDOW_MS < member.runsMs) return;
    member.candidate = mergeSides(member.candidate, member.device.window());
    this.#fresh = true;
  }

  #end(member: Member, now: number): void {
    member.endsMs = 0;
    if (member.row.backState === 'sent') {
      member.row = { ...member.row, backState: 'committed' };
      member.runsMs = 0;
      return;
    }
    const state = member.device.fails ? 'failed' : 'committed';
    member.row = { ...member.row, state, endedMs: now, dueMs: 0 };
    if (state === 'committed') member.runsMs = now - this.#settings.watchMs;
    else if (this.#firstBadMs < 0) this.#firstBadMs = now;
    this.#fresh = true;
  }

  #execute(action: Action, now: number): void {
    switch (action.kind) {
      case 'openWave':
        this.#rollout = { ...this.#rollout, wave: action.wave };
        this.#fresh = true;
        return;
      case 'deploy':
        for (const member of this.#named(action.devices)) this.#deploy(member, now);
        return;
      case 'halt':
        this.#rollout = { ...this.#rollout, state: 'halted', haltedBy: action.cause };
        this.#sentence = action.sentence;
        this.#haltedMs = now;
        return;
      case 'rollBack':
        for (const member of this.#named(action.devices)) {
          member.row = { ...member.row, backState: 'sent' };
          member.endsMs = now + 2000 + 3000 * this.#draws.uniform();
        }
        return;
      case 'finish':
        this.#rollout = { ...this.#rollout, state: action.state };
        return;
      default:
        throw new Error(`a simulated rollout does not come to ${action.kind}`);
    }
  }

  /** Three in ten that fail do so while they are watched, the others in the self-test. */
  #deploy(member: Member, now: number): void {
    const taken = now + 2000 + 8000 * this.#draws.uniform();
    const early = member.device.fails && this.#draws.uniform() < 0.7;
    const watched = member.device.fails ? this.#draws.uniform() : 1;
    member.endsMs = taken + (early ? 0 : watched * this.#settings.watchMs);
    const dueMs = now + this.#settings.deadlineMs;
    member.row = { ...member.row, state: 'sent', attempt: 1, dueMs };
  }

  #named(devices: readonly string[]): Member[] {
    return devices.map((device) => this.#members[Number(device.slice(1))]!);
  }

  #evidence(): Evidence {
    const asked = this.#members.filter(({ row }) => row.attempt > 0);
    const tally = (bad: (member: Member) => boolean, reason = ''): Tally[] =>
      this.#variants.map((variant) => {
        const own = asked.filter(({ device }) => device.variant === variant);
        return { variant, asked: own.length, bad: own.filter(bad).length, reason };
      });
    return {
      membership: this.#members.length,
      variants: this.#variants,
      tallies: {
        activations: tally(({ row }) => row.state === 'failed', 'self-test.failed'),
        crashes: tally(() => false),
        'self-test': tally(({ device, row }) => device.deviates && row.state === 'committed'),
        drift: tally(({ candidate }) => candidate.inferences > 0 && this.#draws.uniform() < 0.001),
      },
      shadow: false,
      pairs: asked
        .filter(({ row }) => row.state === 'committed')
        .map(({ row, device, candidate }) => ({
          device: row.device,
          variant: device.variant,
          candidate,
          baseline: device.baseline,
        })),
    };
  }

  course(): Course {
    const { state, haltedBy, wave } = this.#rollout;
    const asked = this.#members.filter(({ row }) => row.attempt > 0);
    return {
      state,
      haltedBy: haltedBy ?? '',
      sentence: this.#sentence,
      firstBadMs: this.#firstBadMs,
      haltedMs: this.#haltedMs,
      waves: wave + 1,
      touched: asked.length,
      undone: state === 'rolled-back' && asked.every(({ row }) => row.backState === 'committed'),
    };
  }
}
