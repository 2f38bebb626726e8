import { VALID_IN } from './execute.ts';
import { spend } from './pace/rate.ts';
import { openZones, roomBack, roomFor } from './pace/room.ts';
import { hoursOf } from './pace/windows.ts';
import { afterFailure, retryBackMs } from './retry.ts';
import type { RolloutSettings } from './settings.ts';
import { type ModelMember, snapshotOf } from './testing-plan.ts';
import type { Action, ActionOf, MemberState, PlanRollout } from './types.ts';

/** A member with what the executors and the intake of reports depend on. */
export interface Row extends ModelMember {
  readonly strikes: number;
  readonly backAttempt: number;
}

/** What a device says of an attempt, of the version or of the way back from it. */
export interface Word {
  readonly way: 'forward' | 'back';
  readonly attempt: number;
  readonly result: 'in-progress' | 'committed' | 'failed' | 'rolled-back';
  readonly code: string;
}

const IN_FLIGHT: readonly MemberState[] = ['sent', 'in-progress'];
const WAITED_FOR: readonly MemberState[] = [...IN_FLIGHT, 'expired'];

/** The server's tables, as the executors and the intake of reports change them, in memory. */
export class ModelServer {
  readonly settings: RolloutSettings;
  rollout: PlanRollout;
  readonly rows = new Map<string, Row>();
  /** Each time that a device was asked, and each that was told to go back. */
  readonly asked: { readonly device: string; readonly atMs: number }[] = [];
  readonly broughtBack: number[] = [];

  constructor(settings: RolloutSettings, sizes: readonly number[], rows: readonly Row[]) {
    this.settings = settings;
    for (const row of rows) this.rows.set(row.device, row);
    this.rollout = {
      ...settings,
      state: 'running',
      haltedBy: undefined,
      ...{ sizes, wave: -1, approvedWaves: 0, accepted: [], rateMs: 0 },
    };
  }

  get members(): Row[] {
    return [...this.rows.values()];
  }

  tally(now: number) {
    return snapshotOf(this.rollout, this.members, [], now).tally;
  }

  set(device: string, change: Partial<Row>): void {
    this.rows.set(device, { ...this.rows.get(device)!, ...change });
  }

  /** As `executeAction`: what no longer holds is left out. */
  execute(action: Action, now: number): void {
    const { state } = this.rollout;
    if (action.kind !== 'promote' && !VALID_IN[action.kind].includes(state)) return;
    switch (action.kind) {
      case 'promote':
        throw new Error('an update has nothing to promote');
      case 'openWave':
        if (action.wave === this.rollout.wave + 1) {
          this.rollout = { ...this.rollout, wave: action.wave, accepted: [] };
        }
        break;
      case 'deploy':
        this.#deploy(action, now);
        break;
      case 'retry':
        this.#retry(action, now);
        break;
      case 'postpone':
        this.#postpone(action, now);
        break;
      case 'expire':
        this.#expire(action, now);
        break;
      case 'halt':
        this.halt(action.cause);
        break;
      case 'rollBack':
        this.#rollBack(action, now);
        break;
      case 'retryBack':
        this.#retryBack(action, now);
        break;
      case 'finish':
        if ((action.state === 'done') === (this.rollout.state === 'running')) {
          this.rollout = { ...this.rollout, state: action.state };
        }
    }
  }

  #rowsOf(devices: readonly string[]): Row[] {
    return devices.map((device) => this.rows.get(device)!);
  }

  #within(rows: readonly Row[], now: number): readonly Row[] {
    const { rate, rateMs } = this.rollout;
    const tally = this.tally(now);
    const open = rows.filter(openZones(this.rollout, now));
    const some = open.slice(0, Math.min(open.length, roomFor(this.rollout, tally, now)));
    if (rate !== undefined && some.length > 0) {
      const { committed } = tally;
      this.rollout = {
        ...this.rollout,
        rateMs: spend(rate, { rateMs, committed }, some.length, now),
      };
    }
    for (const { device } of some) this.asked.push({ device, atMs: now });
    return some;
  }

  #deploy({ devices }: ActionOf<'deploy'>, now: number): void {
    const size = this.rollout.sizes[this.rollout.wave] ?? 0;
    const rows = this.#rowsOf(devices).filter(
      ({ state, position }) => state === 'pending' && position < size,
    );
    const dueMs = now + this.settings.deadlineMs;
    for (const { device } of this.#within(rows, now)) {
      this.set(device, { state: 'sent', attempt: 1, dueMs });
    }
  }

  #retry({ devices }: ActionOf<'retry'>, now: number): void {
    const rows = this.#rowsOf(devices).filter(
      (row) => row.state === 'failed' && row.dueMs > 0 && now >= row.dueMs,
    );
    const dueMs = now + this.settings.deadlineMs;
    for (const { device, attempt } of this.#within(rows, now)) {
      this.set(device, { state: 'sent', attempt: attempt + 1, endedMs: 0, dueMs });
    }
  }

  #postpone({ devices }: ActionOf<'postpone'>, now: number): void {
    for (const { device, state, dueMs, timeZone } of this.#rowsOf(devices)) {
      if (state !== 'failed' || dueMs === 0 || now < dueMs) continue;
      const next = hoursOf(this.settings.maintenance, timeZone).openingMs(now) ?? 0;
      this.set(device, { dueMs: next });
    }
  }

  #expire({ devices }: ActionOf<'expire'>, now: number): void {
    for (const { device, state, dueMs } of this.#rowsOf(devices)) {
      if (IN_FLIGHT.includes(state) && dueMs > 0 && now >= dueMs) {
        this.set(device, { state: 'expired', endedMs: now, dueMs: 0 });
      }
    }
  }

  halt(haltedBy: NonNullable<PlanRollout['haltedBy']>): void {
    this.rollout = { ...this.rollout, state: 'halted', haltedBy, rateMs: 0 };
    for (const { device, state } of this.members) {
      this.set(device, { dueMs: 0, ...(state === 'pending' ? { state: 'withdrawn' } : {}) });
    }
  }

  #withinBack(rows: readonly Row[], now: number): readonly Row[] {
    const { rollBackPerMinute, rateMs } = this.rollout;
    const some = rows.slice(0, Math.min(rows.length, roomBack(this.rollout, now)));
    if (rollBackPerMinute !== undefined && some.length > 0) {
      const rate = { perMinute: rollBackPerMinute };
      const spent = spend(rate, { rateMs, committed: 0 }, some.length, now);
      this.rollout = { ...this.rollout, rateMs: spent };
    }
    for (const _ of some) this.broughtBack.push(now);
    return some;
  }

  #rollBack({ devices }: ActionOf<'rollBack'>, now: number): void {
    const rows = this.#rowsOf(devices).filter(
      ({ backState, attempt }) => backState === 'none' && attempt > 0,
    );
    for (const { device } of this.#withinBack(rows, now)) {
      this.set(device, { backState: 'sent', backAttempt: 1, dueMs: 0 });
    }
  }

  #retryBack({ devices }: ActionOf<'retryBack'>, now: number): void {
    const rows = this.#rowsOf(devices).filter(
      ({ backState, dueMs }) => backState === 'failed' && dueMs > 0 && now >= dueMs,
    );
    for (const { device, backAttempt } of this.#withinBack(rows, now)) {
      this.set(device, { backState: 'sent', backAttempt: backAttempt + 1, dueMs: 0 });
    }
  }

  /** As `ingestOutcome`. */
  hear(device: string, word: Word, now: number): void {
    const row = this.rows.get(device)!;
    if (word.way === 'back') this.#hearBack(row, word, now);
    else this.#hearForward(row, word, now);
  }

  #hearForward(row: Row, word: Word, now: number): void {
    const { device } = row;
    if (word.attempt !== row.attempt || !WAITED_FOR.includes(row.state)) return;
    const { result, code, attempt } = word;
    if (result === 'in-progress') {
      if (row.state !== 'expired') this.set(device, { state: 'in-progress' });
      return;
    }
    const { strikes, timeZone } = row;
    const failure = { code, attempt, strikes, timeZone };
    const again = result === 'failed' && row.backState === 'none';
    const next = again ? afterFailure(this.settings, failure, now) : { dueMs: 0, strikes };
    this.set(device, { state: result, endedMs: now, ...next });
  }

  #hearBack(row: Row, { attempt, result, code }: Word, now: number): void {
    const waiting = row.backState === 'sent' || row.backState === 'in-progress';
    if (!waiting || attempt !== row.backAttempt) return;
    if (result === 'in-progress' || result === 'committed') {
      this.set(row.device, { backState: result });
      return;
    }
    const dueMs = retryBackMs(this.settings, { code, attempt }, now);
    this.set(row.device, { backState: 'failed', dueMs });
  }
}
