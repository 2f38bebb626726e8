import { createDriftDetector } from '@flotilla/model';
import type { Draft, Role, Window } from '@flotilla/protocol';
import type { Clock } from '../ports.ts';
import type { StoredBundle } from '../serving/bundle.ts';
import type { Inference, LoadedModel } from '../serving/loaded-model.ts';
import type { Observer } from '../serving/serving.ts';
import type { Installed } from '../state.ts';
import { type Compared, openComparison } from './comparison.ts';
import { type OpenWindow, openWindow, type Subject } from './open-window.ts';

export interface Recorder extends Observer {
  readonly shadows: ShadowRecorder;
  /** Counts labels of inferences of that model, also once it serves no more. */
  labelsOf(installed: Installed): LabelCounter | undefined;
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

export interface LabelCounter {
  /** Names of the classes, by index; undefined where they have none. */
  readonly classes: readonly string[] | undefined;
  /** Takes in how many inferences got a label, and of how many it was the class that they had named. */
  count(labels: number, correct: number): void;
}

/** The same for a model that runs beside the active one of its slot, and how the two compare. */
export interface ShadowRecorder {
  /** From now on this model is the slot's shadow, or none is. */
  swapped(slot: string, to: LoadedModel | undefined): void;
  /** @param activeDigest of the bundle that the slot runs */
  compared(shadow: LoadedModel, activeDigest: string, both: Compared, inference: Inference): void;
  failed(shadow: LoadedModel, activeDigest: string): void;
  /** An inference was sampled and not run. */
  skipped(shadow: LoadedModel, activeDigest: string): void;
}

interface Track extends Subject {
  window: OpenWindow | undefined;
  drifting: readonly string[];
  readonly labels: LabelCounter;
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
  /** By slot, of the models that serve, and of those beside them. */
  const serving = new Map<string, Track>();
  const beside = new Map<string, Track>();
  /** Of every model that may still end an inference: one that was swapped out has calls in flight. */
  const tracks = new WeakMap<Installed, Track>();
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

  /** The window that now falls into, the one before it closed. */
  function current(track: Track, activeDigest?: string): OpenWindow {
    const length = lengthMs();
    const startMs = Math.floor(clock.now() / length) * length;
    const { window } = track;
    const same = window?.startMs === startMs && window.lengthMs === length;
    if (same && window.comparison?.activeDigest === activeDigest) return window;
    close(track);
    const comparison = activeDigest === undefined ? undefined : openComparison(activeDigest);
    const opened = openWindow(track, startMs, length, comparison);
    track.window = opened;
    open.add(track);
    return opened;
  }

  /** Undefined for a model that is not told of. */
  function windowOf(model: LoadedModel, activeDigest?: string): OpenWindow | undefined {
    const track = tracks.get(model.installed);
    return track && current(track, activeDigest);
  }

  function begin(
    among: Map<string, Track>,
    role: Role,
    slot: string,
    to: LoadedModel | undefined,
  ): void {
    const before = among.get(slot);
    if (before !== undefined) close(before);
    among.delete(slot);
    if (to === undefined) return;
    const { installed, bundle } = to;
    const { profile, profileDigest } = bundle;
    // whether its inputs drift, the active model's windows tell
    const detector = role === 'ROLE_ACTIVE' && profile ? createDriftDetector(profile) : undefined;
    const labels: LabelCounter = {
      classes: classesOf(bundle),
      count: (more, correct) =>
        current(track, track.window?.comparison?.activeDigest).labeled(more, correct),
    };
    const rest = { detector, window: undefined, drifting: [], labels };
    const track: Track = { slot, role, installed, profileDigest, ...rest };
    among.set(slot, track);
    tracks.set(installed, track);
  }

  return {
    swapped: (slot, _from, to) => begin(serving, 'ROLE_ACTIVE', slot, to),
    inferred: (model, inference) => windowOf(model)?.inferred(inference),
    failed: (model) => windowOf(model)?.failed(),
    labelsOf: (installed) => tracks.get(installed)?.labels,
    shadows: {
      swapped: (slot, to) => begin(beside, 'ROLE_SHADOW', slot, to),
      compared(shadow, activeDigest, both, inference) {
        const window = windowOf(shadow, activeDigest);
        window?.inferred(inference);
        window?.comparison?.add(both);
      },
      failed: (shadow, activeDigest) => windowOf(shadow, activeDigest)?.failed(),
      skipped: (shadow, activeDigest) => windowOf(shadow, activeDigest)?.comparison?.skip(),
    },
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

function classesOf({ labels, spec }: StoredBundle): readonly string[] | undefined {
  const inline = spec.outputs.classification?.labels;
  return labels ?? (inline && 'names' in inline ? inline.names : undefined);
}

/** A clock that was set back is before the window: that one has ended too. */
const isWithin = ({ startMs, lengthMs }: OpenWindow, nowMs: number): boolean =>
  nowMs >= startMs && nowMs < startMs + lengthMs;
