import { createDriftDetector, type DriftDetector } from '@flotilla/model';
import type { Draft, Window } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { LoadedModel } from '../serving/loaded-model.ts';
import type { Observer } from '../serving/serving.ts';
import { type OpenWindow, openWindow } from './open-window.ts';

export interface Recorder extends Observer {
  /** Windows that have ended since the last call, oldest first. */
  take(): Draft<Window>[];
  /** Ends every window now: the agent stops. */
  closeAll(): void;
  /** Milliseconds until the running windows end. */
  untilBoundary(): number;
  /** The last verdicts that said drift, by slot. */
  drifting(): Readonly<Record<string, readonly string[]>>;
}

interface Track {
  readonly model: LoadedModel;
  readonly detector: DriftDetector | undefined;
  window: OpenWindow | undefined;
  drifting: readonly string[];
}

/** Windows kept in memory while the outbox cannot take them. */
const MAX_CLOSED = 1000;

/**
 * Sums what the models did into windows. A window begins on a UTC multiple of its length, names one
 * deployment, and closes at a swap.
 *
 * @param lengthMs length of the windows that begin from now on
 */
export function createRecorder(clock: Clock, lengthMs: () => number): Recorder {
  const tracks = new Map<string, Track>();
  const slots = new Map<LoadedModel, string>();
  const closed: Draft<Window>[] = [];

  function close(track: Track): void {
    const window = track.window?.close();
    track.window = undefined;
    if (window === undefined) return;
    const verdicts = window.drift ?? [];
    if (verdicts.length > 0) {
      track.drifting = verdicts.flatMap(({ drifted, name }) => (drifted && name ? [name] : []));
    }
    closed.push(window);
    if (closed.length > MAX_CLOSED) closed.shift();
  }

  /** The window that now falls into, the one before it closed. */
  function current(slot: string, track: Track): OpenWindow {
    const length = lengthMs();
    const startMs = Math.floor(clock.now() / length) * length;
    const { window } = track;
    if (window?.startMs === startMs && window.lengthMs === length) return window;
    close(track);
    const opened = openWindow(slot, track.model, track.detector, startMs, length);
    track.window = opened;
    return opened;
  }

  function trackOf(model: LoadedModel): [string, Track] | undefined {
    const slot = slots.get(model);
    const track = slot === undefined ? undefined : tracks.get(slot);
    return slot === undefined || track?.model !== model ? undefined : [slot, track];
  }

  return {
    swapped(slot, from, to) {
      const before = tracks.get(slot);
      if (before !== undefined) close(before);
      tracks.delete(slot);
      if (from !== undefined) slots.delete(from);
      if (to === undefined) return;
      const { profile } = to.bundle;
      const detector = profile && createDriftDetector(profile);
      slots.set(to, slot);
      tracks.set(slot, { model: to, detector, window: undefined, drifting: [] });
    },
    inferred(model, inference) {
      const found = trackOf(model);
      if (found !== undefined) current(...found).inferred(inference);
    },
    failed(model) {
      const found = trackOf(model);
      if (found !== undefined) current(...found).failed();
    },
    take() {
      const nowMs = clock.now();
      for (const track of tracks.values()) {
        const { window } = track;
        if (window !== undefined && nowMs >= window.startMs + window.lengthMs) close(track);
      }
      return closed.splice(0);
    },
    closeAll() {
      for (const track of tracks.values()) close(track);
    },
    untilBoundary() {
      const length = lengthMs();
      return length - (clock.now() % length);
    },
    drifting: () => Object.fromEntries([...tracks].map(([slot, { drifting }]) => [slot, drifting])),
  };
}
