import {
  checkFeeds,
  type Pipeline,
  type Preprocessed,
  type TensorInfo,
  type Tensors,
} from '@flotilla/model';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { freeTensors } from '../free.ts';
import type { DataItem } from './item.ts';
import { loadAhead } from './load-ahead.ts';

/** One sample ready to run. */
export interface Sample extends Preprocessed {
  readonly item: DataItem;
}

/** Samples that can be gone through several times; the same order each time. */
export interface SampleSet {
  readonly items: readonly DataItem[];
  /** Gives back the memory of a sample that nobody looks at any more, where it is not kept. */
  release(tensors: Tensors): void;
  [Symbol.asyncIterator](): AsyncIterator<Sample>;
}

/**
 * Prepares items with a pipeline. The next samples are decoded while the present one runs; what fits
 * into `cacheBytes` is kept for the next time through, the rest is decoded again.
 *
 * @param inputs what the model declares
 * @throws FlotillaError `data.invalid` naming the file that does not fit the model, and what the
 * pipeline refuses a file with
 */
export function sampleSet(
  items: readonly DataItem[],
  pipeline: Pipeline,
  inputs: readonly TensorInfo[],
  cacheBytes = DEFAULT_CACHE_BYTES,
): SampleSet {
  const cache = new Map<DataItem, Sample>();
  const kept = new Set<Tensors>();
  let free = cacheBytes;
  const prepare = async (item: DataItem): Promise<Sample> => {
    const known = cache.get(item);
    if (known !== undefined) return known;
    const sample = { item, ...(await prepared(item, pipeline, inputs)) };
    const size = byteLength(sample.tensors);
    if (size <= free) {
      free -= size;
      cache.set(item, sample);
      kept.add(sample.tensors);
    }
    return sample;
  };
  return {
    items,
    release(tensors) {
      if (!kept.has(tensors)) freeTensors(tensors);
    },
    [Symbol.asyncIterator]: () => loadAhead(items, prepare),
  };
}

async function prepared(
  item: DataItem,
  pipeline: Pipeline,
  inputs: readonly TensorInfo[],
): Promise<Preprocessed> {
  const raw = await item.load();
  try {
    const sample = await pipeline.preprocess(raw, item.where);
    checkFeeds(sample.tensors, inputs);
    return sample;
  } catch (cause) {
    if (!isFlotillaError(cause, 'tensor.invalid')) throw cause;
    throw new FlotillaError('data.invalid', { file: item.where, reason: cause.message }, { cause });
  }
}

/**
 * Samples that are tensors already.
 *
 * @param first number of the first of them, for their names
 */
export function tensorSet(tensors: readonly Tensors[], first = 0): SampleSet {
  const samples = tensors.map((feeds, i): Sample => {
    const name = String(first + i).padStart(8, '0');
    const where = `made-up sample ${first + i}`;
    const item = { name, where, label: undefined, slices: {}, load: async () => feeds };
    return { item, tensors: feeds, features: {}, placements: [] };
  });
  return {
    items: samples.map(({ item }) => item),
    release: () => undefined,
    async *[Symbol.asyncIterator]() {
      yield* samples;
    },
  };
}

const DEFAULT_CACHE_BYTES = 48 * 2 ** 20;

function byteLength(tensors: Tensors): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Only what the model is fed with. */
export async function* feedsOf(samples: AsyncIterable<Sample>): AsyncGenerator<Tensors> {
  for await (const { tensors } of samples) yield tensors;
}

/** The first samples of a set. */
export function someOf(samples: SampleSet, count: number): SampleSet {
  return {
    items: samples.items.slice(0, count),
    release: (tensors) => samples.release(tensors),
    async *[Symbol.asyncIterator]() {
      let left = Math.min(count, samples.items.length);
      if (left === 0) return;
      for await (const sample of samples) {
        yield sample;
        left -= 1;
        if (left === 0) return;
      }
    },
  };
}
