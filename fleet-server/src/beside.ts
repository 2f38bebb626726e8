/**
 * Does work on all items at once. Where one fails, all others have settled when its error is thrown;
 * where several do, it is that of the first in time: in a transaction the others only follow from it.
 */
export async function allBeside<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<Awaited<R>[]> {
  const failures: unknown[] = [];
  const settled = await Promise.allSettled(
    items.map((item) =>
      work(item).catch((error: unknown) => {
        failures.push(error);
        throw error;
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** Does work on each item, on so many at once; the first failure ends it. */
export async function beside<T>(
  most: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  // an iterator that all share hands each item out once
  const rest = items[Symbol.iterator]();
  const run = async () => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: most }, run));
}
