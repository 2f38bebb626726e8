import type { Deployment, Desired, Draft, Outcome, Slot, Window } from '@flotilla/protocol';
import { Attempt, type AttemptHost, type Ending } from './attempt.ts';
import type { Random } from './chance.ts';
import type { FindFault } from './faults.ts';
import { installedOf, Seat, type SeatRole } from './seat.ts';
import type { DeviceState, Installed } from './state.ts';
import { selfTestOf } from './telemetry.ts';
import type { World } from './world.ts';

/** What the slots need of the device that they are in. */
export interface SlotsHost {
  readonly world: World;
  readonly state: DeviceState;
  readonly faults: FindFault;
  readonly random: Random;
  /** Beside other devices; 1 is the middle. */
  readonly speed: number;
  readonly stepMs: number;
  /** By the device's clock, which a fault may have set wrong. */
  clock(): number;
  /** Length of a window of telemetry. */
  windowMs(): number;
  report(outcome: Draft<Outcome>): void;
  measured(window: Draft<Window>): void;
  /** What runs has changed. */
  announce(): void;
  goAway(ms: number): void;
}

/** Endings that a device repeats at each connect. */
const MOST_ENDED = 32;

/** What the slots of a device run, and the attempts under way in them. */
export class Slots {
  readonly #host: SlotsHost;
  readonly #seats = new Map<string, Seat>();
  /** Pairs of deployment and attempt for which it went away already. */
  readonly #wentAway = new Set<string>();
  #wanted: readonly Slot[] = [];
  #halted = false;

  constructor(host: SlotsHost) {
    this.#host = host;
    const { active, shadows } = host.state;
    for (const [slot, one] of Object.entries(active)) this.#seat(slot, 'active').committed = one;
    for (const [slot, one] of Object.entries(shadows)) this.#seat(slot, 'shadow').committed = one;
    this.openWindows();
  }

  /** What each slot runs now, on trial or committed. */
  get active(): ({ readonly slot: string } & Installed)[] {
    return [...this.#seats.values()].flatMap(({ slot, role, runs }) =>
      role === 'active' && runs !== undefined ? [{ slot, ...runs }] : [],
    );
  }

  get attempts(): Attempt[] {
    return [...this.#seats.values()].flatMap(({ attempt }) => attempt ?? []);
  }

  /** How far the attempts under way are. */
  get underWay(): Draft<Outcome>[] {
    return [...this.#seats.values()].flatMap((seat) =>
      seat.attempt === undefined ? [] : [this.#outcome(seat, seat.attempt)],
    );
  }

  committed(role: SeatRole): Record<string, Installed> {
    const seats = [...this.#seats.values()].filter((seat) => seat.role === role);
    return Object.fromEntries(
      seats.flatMap(({ slot, committed }) => (committed === undefined ? [] : [[slot, committed]])),
    );
  }

  want({ slots }: Desired): void {
    this.#wanted = slots;
    this.#plan();
  }

  /** A fleet that is halted begins no step but those that lead back. */
  halt(halted: boolean): void {
    const goesOn = this.#halted && !halted;
    this.#halted = halted;
    if (!goesOn) return;
    for (const attempt of this.attempts) attempt.resume();
    this.#plan();
  }

  /** The device dies: what was measured and not sent is lost. */
  crash(): void {
    for (const seat of this.#seats.values()) {
      seat.forgetWindow();
      seat.attempt?.crashed();
    }
  }

  /** It starts again. */
  restart(): void {
    this.openWindows();
    for (const attempt of this.attempts) attempt.resume();
  }

  stop(): void {
    for (const attempt of this.attempts) attempt.suspend();
  }

  openWindows(): void {
    for (const seat of this.#seats.values()) seat.openWindow(this.#host.clock());
  }

  closeWindows(): void {
    for (const seat of this.#seats.values()) this.#closeWindow(seat);
  }

  #seat(slot: string, role: SeatRole): Seat {
    const key = `${slot} ${role}`;
    const seat = this.#seats.get(key) ?? new Seat(slot, role);
    this.#seats.set(key, seat);
    return seat;
  }

  #plan(): void {
    if (this.#halted) return;
    for (const slot of this.#wanted) {
      this.#planSeat(this.#seat(slot.name, 'active'), slot, slot.active ?? undefined);
      this.#planSeat(this.#seat(slot.name, 'shadow'), slot, slot.shadow ?? undefined);
    }
  }

  #planSeat(seat: Seat, { mode }: Slot, wanted: Deployment | undefined): void {
    const { attempt } = seat;
    if (mode === 'MODE_ABSENT' || (wanted === undefined && seat.role === 'shadow')) {
      attempt?.supersede();
      this.#remove(seat);
      return;
    }
    if (wanted === undefined || (attempt !== undefined && isSame(attempt.deployment, wanted)))
      return;
    attempt?.supersede();
    const isWanted = (one: Pick<Installed, 'deployment' | 'attempt'>) =>
      one.deployment === wanted.id && one.attempt === wanted.attempt;
    const runs = seat.committed !== undefined && isWanted(seat.committed);
    if (!runs && !this.#host.state.ended.some(isWanted)) this.#begin(seat, wanted);
  }

  #begin(seat: Seat, wanted: Deployment): void {
    const { faults, world, state, goAway } = this.#host;
    const { model, version } = wanted;
    if (faults('silent', model, version) !== undefined) return;
    const away = faults('offline', model, version);
    const pair = `${wanted.id}/${wanted.attempt}`;
    if (away !== undefined && !this.#wentAway.has(pair)) {
      this.#wentAway.add(pair);
      return void goAway(away.seconds * 1000);
    }
    world.tell({ kind: 'began', device: state.identity.device, deployment: wanted });
    seat.attempt = new Attempt(this.#attemptHost(seat, wanted), wanted, seat.role === 'shadow');
    seat.attempt.resume();
  }

  #attemptHost(seat: Seat, wanted: Deployment): AttemptHost {
    const { world, state, faults, stepMs, clock } = this.#host;
    const { device } = state.identity;
    return {
      faults,
      stepMs,
      now: clock,
      halted: () => this.#halted,
      download: async ({ digest }) => {
        const kept = [...this.#seats.values()].some(
          ({ committed }) => committed?.digest === digest,
        );
        if (!kept) await world.download(state, wanted);
      },
      began: () => {
        if (seat.attempt !== undefined) this.#host.report(this.#outcome(seat, seat.attempt));
      },
      activated: () => {
        world.tell({ kind: 'activated', device, deployment: wanted });
        if (this.#lies(wanted)) return;
        this.#swap(seat, () => {
          seat.trial = installedOf(wanted);
        });
      },
      ended: (ending) => this.#ended(seat, wanted, ending),
    };
  }

  #lies({ model, version }: Deployment): boolean {
    return this.#host.faults('lie', model, version) !== undefined;
  }

  /** A window names one version: it ends where another begins. */
  #swap(seat: Seat, change: () => void): void {
    this.#closeWindow(seat);
    change();
    seat.openWindow(this.#host.clock());
    this.#host.announce();
  }

  #ended(seat: Seat, wanted: Deployment, ending: Ending): void {
    const { attempt } = seat;
    if (attempt === undefined) return;
    seat.attempt = undefined;
    const { state, world } = this.#host;
    const outcome = { ...this.#outcome(seat, attempt, ending), ...ending };
    state.ended.push({ deployment: wanted.id, attempt: wanted.attempt, outcome });
    state.ended.splice(0, state.ended.length - MOST_ENDED);
    const { result, code } = ending;
    if (!wanted.measureOnly && !this.#lies(wanted)) {
      this.#settle(seat, wanted, result === 'RESULT_COMMITTED');
    }
    this.#host.report(outcome);
    const { device } = state.identity;
    world.tell({ kind: 'ended', device, deployment: wanted, result, code });
  }

  #settle(seat: Seat, wanted: Deployment, committed: boolean): void {
    if (committed && seat.trial !== undefined) {
      // what runs has not changed: its window goes on
      seat.committed = seat.trial;
      seat.trial = undefined;
      this.#host.announce();
    } else if (committed || seat.trial !== undefined) {
      this.#swap(seat, () => {
        seat.trial = undefined;
        if (committed) seat.committed = installedOf(wanted);
      });
    }
  }

  #remove(seat: Seat): void {
    const { committed } = seat;
    if (committed === undefined) return;
    this.#swap(seat, () => {
      seat.committed = undefined;
    });
    const { deployment, attempt, digest } = committed;
    const pair = { deployment, attempt, slot: seat.slot, digest };
    const outcome = { ...pair, result: 'RESULT_REMOVED' as const, step: 'remove' };
    const { state } = this.#host;
    const others = state.ended.filter((one) => one.deployment !== deployment);
    state.ended = [...others, { deployment, attempt, outcome }];
    this.#host.report(outcome);
  }

  #outcome(seat: Seat, { deployment, step }: Attempt, ending?: Ending): Draft<Outcome> {
    const { faults, speed, world } = this.#host;
    const failed = ending !== undefined && step === 'selfTest';
    const tested = failed || !['download', 'verify', 'selfTest'].includes(step);
    return {
      deployment: deployment.id,
      attempt: deployment.attempt,
      slot: seat.slot,
      digest: deployment.digest,
      result: 'RESULT_IN_PROGRESS',
      step,
      bytesTotal: deployment.size,
      ...(tested ? { selfTest: selfTestOf(world.work, speed, faults, deployment, !failed) } : {}),
    };
  }

  #closeWindow(seat: Seat): void {
    const beside = this.#seats.get(`${seat.slot} active`)?.runs;
    const { world, clock, windowMs } = this.#host;
    const window = seat.closeWindow(world.work, this.#host, clock(), windowMs(), beside);
    if (window !== undefined) this.#host.measured(window);
  }
}

const isSame = (a: Deployment, b: Deployment): boolean => a.id === b.id && a.attempt === b.attempt;
