/** A first member, and helpers that are called in where there is enough to do. */
export interface Crew<M> {
  /** Who is ready to work; calls the helpers in once there has been work for a while. */
  ready(): readonly M[];
  /** All of them, after the helpers that are on their way have come. */
  all(): Promise<readonly M[]>;
}

/**
 * Milliseconds of work before helpers are called, about what it takes to make one ready: what is done
 * sooner needs none, and what takes longer loses half of it at most.
 */
const PATIENCE = 250;

/** Items that a helper on a thread holds: work for as long as the first member blocks this thread. */
export const HELPER_DEPTH = 3;

/**
 * @param helpers how many to call in at most
 * @param open makes a helper ready; where it cannot, work goes on with those that are there
 */
export function openCrew<M>(first: M, helpers: number, open: () => Promise<M>): Crew<M> {
  const members = [first];
  let begun: number | undefined;
  let coming: Promise<unknown> | undefined;
  const call = async (): Promise<void> => {
    members.push(await open());
  };
  return {
    ready() {
      begun ??= performance.now();
      if (performance.now() - begun > PATIENCE) {
        coming ??= Promise.allSettled(Array.from({ length: helpers }, call));
      }
      return members;
    },
    async all() {
      await coming;
      return members;
    },
  };
}
