/** Something that a screen may want to draw again. Never a hop of the story: losing one harms nothing. */
export interface Change {
  readonly topic: 'device' | 'rollout' | 'lab' | 'build' | 'drift' | 'alert' | 'telemetry';
  readonly fleet: string;
  /** Of the device, rollout, lab run, build or alert. */
  readonly id: string;
  /** What is new, where it is short: JSON values only. */
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface NumberedChange {
  /** `{instance}-{n}`: an event id for `Last-Event-ID`. */
  readonly id: string;
  readonly change: Change;
}

export interface Changes {
  emit(change: Change): void;
  /** @returns how to stop listening */
  subscribe(listener: (change: NumberedChange) => void): () => void;
  /** What came after that id; undefined where it is too old or another server's. */
  since(id: string): readonly NumberedChange[] | undefined;
}

/** Remembers the last `capacity` changes, so that a reader who lost its connection misses none. */
export function createChanges(instance: string, capacity = 2000): Changes {
  const recent: NumberedChange[] = [];
  const listeners = new Set<(change: NumberedChange) => void>();
  let next = 1;
  return {
    emit(change) {
      const numbered = { id: `${instance}-${next++}`, change };
      recent.push(numbered);
      if (recent.length > capacity) recent.shift();
      for (const listener of listeners) listener(numbered);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    since(id) {
      if (id === `${instance}-${next - 1}`) return [];
      const at = recent.findIndex((numbered) => numbered.id === id);
      return at === -1 ? undefined : recent.slice(at + 1);
    },
  };
}
