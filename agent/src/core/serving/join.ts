import {
  compareTensors,
  ELEMENT_TYPES,
  type Golden,
  type Session,
  type Tensor,
  type Tensors,
} from '@flotilla/model';

/** Samples in feeds: their common first dimension; undefined where they have none. */
export function samplesIn(feeds: Tensors): number | undefined {
  const [first, ...rest] = Object.values(feeds).map(({ shape }) => shape[0]);
  return first !== undefined && rest.every((count) => count === first) ? first : undefined;
}

/** Equal for feeds that differ in nothing but the number of samples. */
export const kindOf = (feeds: Tensors): string =>
  Object.keys(feeds)
    .toSorted()
    .map((name) => `${name} ${feeds[name]?.type} ${feeds[name]?.shape.slice(1)}`)
    .join('\n');

/** Feeds of one kind as one, along the first dimension. */
export function join(all: readonly Tensors[]): Tensors {
  const [first = {}] = all;
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, joinTensors(all.map((feeds) => feeds[name]!))]),
  );
}

function joinTensors(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as [Tensor];
  const bytes = new Uint8Array(tensors.reduce((sum, { data }) => sum + data.byteLength, 0));
  let at = 0;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  const count = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const data = new ELEMENT_TYPES[first.type](bytes.buffer);
  return { type: first.type, shape: [count, ...first.shape.slice(1)], data };
}

/**
 * Undoes `join` on what came of it.
 *
 * @param counts samples of each
 * @returns undefined where an output does not have one row a sample
 */
export function split(outputs: Tensors, counts: readonly number[]): Tensors[] | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (Object.values(outputs).some(({ shape }) => shape[0] !== total)) return undefined;
  let at = 0;
  return counts.map((count) => {
    const from = at;
    at += count;
    const rows = Object.entries(outputs).map(([name, tensor]) => {
      const { type, shape, data } = tensor;
      const size = total === 0 ? 0 : data.length / total;
      const part = data.slice(from * size, at * size);
      return [name, { type, shape: [count, ...shape.slice(1)], data: part }] as const;
    });
    return Object.fromEntries(rows);
  });
}

/**
 * Whether requests for a model may be run as one. A first dimension of any size need not be that of
 * a batch (it may be time): two golden inputs that are run as one must give what they give alone.
 */
export async function mayJoin(session: Session, { inputs, tolerance }: Golden): Promise<boolean> {
  const open = [...session.inputs, ...session.outputs].every(({ shape }) => shape[0] === -1);
  const first = inputs[0];
  const last = inputs.at(-1);
  if (!open || first === undefined || last === undefined || first === last) return false;
  const counts = [samplesIn(first) ?? 0, samplesIn(last) ?? 0];
  if (kindOf(first) !== kindOf(last) || counts.includes(0)) return false;
  try {
    const alone = [await session.run(first), await session.run(last)];
    const parts = split(await session.run(join([first, last])), counts);
    return alone.every((outputs, i) => compareTensors(outputs, parts?.[i] ?? {}, tolerance).passed);
  } catch {
    return false;
  }
}
