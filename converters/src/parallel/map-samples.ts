import type { LoadOptions, Runtime, Session, Tensors } from '@flotilla/model';
import { mapInOrder } from './map-in-order.ts';
import { defaultWorkers } from './workers.ts';

export interface MapSamplesOptions<Sample> {
  /** One whose sessions run beside each other gains by several workers: `workerRuntime()`. */
  readonly runtime: Runtime;
  readonly feedsOf: (sample: Sample) => Tensors;
  /** Sessions; by default what processors and memory allow. */
  readonly workers?: number | undefined;
  readonly load?: LoadOptions;
}

/**
 * Runs a model on samples, several at a time, and gives samples and outputs in the order of the
 * samples; the number of workers changes nothing but the time.
 *
 * @throws FlotillaError from loading and running, at the sample that it concerns
 */
export async function* mapSamples<Sample>(
  model: Uint8Array,
  samples: AsyncIterable<Sample>,
  { runtime, feedsOf, workers = defaultWorkers(model.length), load }: MapSamplesOptions<Sample>,
): AsyncGenerator<{ readonly sample: Sample; readonly outputs: Tensors }> {
  const sessions: Session[] = [];
  try {
    // All or none: a session that loaded beside one that did not is disposed of below.
    for (let i = 0; i < workers; i++) sessions.push(await runtime.load(model, load));
    const lanes = sessions.map((session) => (sample: Sample) => session.run(feedsOf(sample)));
    for await (const { item, result } of mapInOrder(samples, lanes)) {
      yield { sample: item, outputs: result };
    }
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()));
  }
}
