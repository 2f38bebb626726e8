import { createDriftDetector, type DriftDetector } from '@flotilla/model';
import type { Draft, Window } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { LoadedModel } from '../serving/loaded-model.ts';
import type { Observer } from '../serving/serving.ts';
import { type OpenWindow, openWindow } from './open-window.ts';

export interface Recorder extends Observer {
  /** Windows that have ended since the last call, oldest first. */
  take(): Draft<Window>[];
  /** Takes back windows that could not be stored; they come first at the next `take`. */
  putBack(windows: readonly Draft<Window>[]): void;
  /** Ends every window now: the agent stops. */
  closeAll(): void;
  /** Milliseconds until the running windows end. */
  untilBoundary(): number;
  /** The last verdicts that said drift, by slot. */
  drifting(): Readonly<Record<string, readonly string[]>>;
}

interface Track {
  readonly slot: string;
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
  /** By slot, of the models that serve. */
  const serving = new Map<string, Track>();
  /** Of every model that may still end an inference: one that was swapped out has calls in flight. */
  const tracks = new WeakMap<LoadedModel, Track>();
  const open = new Set<Track>();
  const closed: Draft<Window>[] = [];

  function close(track: Track): void {
    const window = track.window?.close();
    track.window = undefined;
    open.delete(track);
    if (window === undefined) return;
    const verdicts = window.drift ?? [];
    if (verdicts.length > 0) {
      track.drifting = verdicts.flatMap(({ drifted, name }) => (drifted && name ? [name] : []));
    }
    closed.push(window);
    if (closed.length > MAX_CLOSED) closed.shift();
  }

  /** The window that now falls into, the one before it closed; undefined for a model not told of. */
  function current(model: LoadedModel): OpenWindow | undefined {
    const track = tracks.get(model);
    if (track === undefined) return undefined;
    const length = lengthMs();
    const startMs = Math.floor(clock.now() / length) * length;
    const { window } = track;
    if (window?.startMs === startMs && window.lengthMs === length) return window;
    close(track);
    const opened = openWindow(track.slot, model, track.detector, startMs, length);
    track.window = opened;
    open.add(track);
    return opened;
  }

  return {
    swapped(slot, _from, to) {
      const before = serving.get(slot);
      if (before !== undefined) close(before);
      serving.delete(slot);
      if (to === undefined) return;
      const { profile } = to.bundle;
      const detector = profile && createDriftDetector(profile);
      const track = { slot, detector, window: undefined, drifting: [] };
      serving.set(slot, track);
      tracks.set(to, track);
    },
    inferred: (model, inference) => current(model)?.inferred(inference),
    failed: (model) => current(model)?.failed(),
    take() {
      const nowMs = clock.now();
      for (const track of [...open]) {
        const { window } = track;
        if (window !== undefined && !isWithin(window, nowMs)) close(track);
      }
      return closed.splice(0);
    },
    putBack(windows) {
      closed.unshift(...windows);
      closed.splice(0, closed.length - MAX_CLOSED);
    },
    closeAll() {
      for (const track of [...open]) close(track);
    },
    untilBoundary() {
      const length = lengthMs();
      return length - (clock.now() % length);
    },
    drifting: () =>
      Object.fromEntries([...serving].map(([slot, { drifting }]) => [slot, drifting])),
  };
}

/** A clock that was set back is before the window: that one has ended too. */
const isWithin = ({ startMs, lengthMs }: OpenWindow, nowMs: number): boolean =>
  nowMs >= startMs && nowMs < startMs + lengthMs;
