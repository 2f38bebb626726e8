/** Does work on all items at once. Where one fails, all others have settled when its error is thrown. */
export async function allBeside<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<Awaited<R>[]> {
  const settled = await Promise.allSettled(items.map(work));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
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
