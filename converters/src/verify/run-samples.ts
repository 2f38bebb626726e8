import type { ModelData, Runtime, Tensors } from '@flotilla/model';
import { workerRuntime } from '@flotilla/model/node';
import type { Sample, SampleSet } from '../data/samples.ts';
import { mapSamples } from '../parallel/map-samples.ts';

/** Below this, threads take longer to start than they save. */
const WORTH_THREADS_MS = 3000;

interface Ran {
  readonly sample: Sample;
  readonly outputs: Tensors;
}

/** How a model is run on many samples. */
export interface SampleRunner {
  /** Runs on this thread. */
  readonly runtime: Runtime;
  /** About how long one run takes. */
  readonly runMs: number;
}

/**
 * Runs a model on samples, in order: on this thread where that takes no time to speak of, else on
 * threads. The outputs are the same.
 *
 * @throws FlotillaError from loading and running
 */
export async function* runSamples(
  { runtime, runMs }: SampleRunner,
  model: ModelData,
  samples: SampleSet,
): AsyncGenerator<Ran> {
  const session = await runtime.load(model);
  try {
    if (runMs * samples.items.length >= WORTH_THREADS_MS && typeof model !== 'string') {
      const feedsOf = ({ tensors }: Sample) => tensors;
      yield* mapSamples(session, model, samples, { runtime: workerRuntime(), feedsOf });
      return;
    }
    for await (const sample of samples) {
      yield { sample, outputs: await session.run(sample.tensors) };
    }
  } finally {
    await session.dispose();
  }
}
