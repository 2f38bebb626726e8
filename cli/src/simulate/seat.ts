import type { Deployment, Draft, Window } from '@flotilla/protocol';
import type { Attempt } from './attempt.ts';
import type { Random } from './chance.ts';
import type { FindFault } from './faults.ts';
import type { Installed } from './state.ts';
import { compare, measure, type Work } from './telemetry.ts';

export type SeatRole = 'active' | 'shadow';

/** Where one bundle of a slot runs: the active one, or the shadow beside it. */
export class Seat {
  readonly slot: string;
  readonly role: SeatRole;
  committed: Installed | undefined;
  /** Activated and not yet committed. */
  trial: Installed | undefined;
  attempt: Attempt | undefined;
  /** When the window under way began, by the device's clock; −1: none. */
  #openedMs = -1;

  constructor(slot: string, role: SeatRole, committed?: Installed) {
    this.slot = slot;
    this.role = role;
    this.committed = committed;
  }

  get runs(): Installed | undefined {
    return this.trial ?? this.committed;
  }

  openWindow(nowMs: number): void {
    this.#openedMs = this.runs === undefined ? -1 : nowMs;
  }

  forgetWindow(): void {
    this.#openedMs = -1;
  }

  /** What was measured since the window opened; a window ends where the version changes. */
  closeWindow(
    work: Work,
    device: { readonly speed: number; readonly faults: FindFault; readonly random: Random },
    nowMs: number,
    lengthMs: number,
    beside: Installed | undefined,
  ): Draft<Window> | undefined {
    const { runs } = this;
    const openedMs = this.#openedMs;
    this.#openedMs = -1;
    if (runs === undefined || openedMs < 0) return undefined;
    const { speed, faults, random } = device;
    const measured = measure(work, speed, faults, runs, nowMs - openedMs, random);
    if (measured === undefined) return undefined;
    const shadow = this.role === 'shadow';
    const window =
      shadow && beside !== undefined ? compare(measured, faults, runs, beside, random) : measured;
    const { deployment, digest, model, version } = runs;
    return {
      ...window,
      ...{ slot: this.slot, deployment, digest, model, version, lengthMs },
      role: shadow ? 'ROLE_SHADOW' : 'ROLE_ACTIVE',
      startMs: openedMs - (openedMs % lengthMs),
    };
  }
}

export const installedOf = (deployment: Deployment): Installed => ({
  deployment: deployment.id,
  attempt: deployment.attempt,
  digest: deployment.digest,
  model: deployment.model,
  version: deployment.version,
  precision: deployment.precision,
});
