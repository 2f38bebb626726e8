/** How much memory the agent takes since a slot's model was activated. */
export interface Footprint {
  /**
   * A model is being loaded into that slot, whose memory counts from now on. What other slots have
   * grown by is not theirs while that lasts: they begin anew.
   *
   * @returns to be called when the load has ended
   */
  loads(slot: string): () => void;
  /** Bytes since then; undefined while a model is being loaded. */
  growth(slot: string): number | undefined;
}

/** @param rssBytes resident memory of this process now */
export function createFootprint(rssBytes: () => number): Footprint {
  const bases = new Map<string, number>();
  let loading = 0;

  function keepOnly(slot: string): void {
    for (const other of [...bases.keys()]) if (other !== slot) bases.delete(other);
  }

  return {
    loads(slot) {
      keepOnly(slot);
      bases.set(slot, rssBytes());
      loading++;
      return () => {
        keepOnly(slot);
        loading--;
      };
    },
    growth(slot) {
      if (loading > 0) return undefined;
      const now = rssBytes();
      const base = bases.get(slot) ?? now;
      bases.set(slot, base);
      return now - base;
    },
  };
}
