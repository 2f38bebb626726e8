import type { Runtime, Session, Tensors } from '@flotilla/model';
import { type Crew, HELPER_DEPTH, openCrew } from './crew.ts';
import { mapInOrder } from './map-in-order.ts';
import { defaultWorkers } from './workers.ts';

export interface MapSamplesOptions<Sample> {
  readonly feedsOf: (sample: Sample) => Tensors;
  /** What helpers load the model with: `workerRuntime()` gives each a thread. */
  readonly runtime: Runtime;
  /** Sessions, the first included; by default what processors and memory allow. */
  readonly workers?: number | undefined;
}

/**
 * Runs a model on samples, several at a time, and gives samples and outputs in the order of the
 * samples; the number of workers changes nothing but the time.
 *
 * @param session of the model; it does the first samples alone, and stays open
 * @param model the model's bytes, for further sessions
 * @throws FlotillaError from running, at the sample that it concerns
 */
export async function* mapSamples<Sample>(
  session: Session,
  model: Uint8Array,
  samples: AsyncIterable<Sample>,
  { feedsOf, runtime, workers = defaultWorkers(model.length) }: MapSamplesOptions<Sample>,
): AsyncGenerator<{ readonly sample: Sample; readonly outputs: Tensors }> {
  const laneOf = ({ run, dispose }: Session, depth: number) => ({
    depth,
    run: (sample: Sample) => run(feedsOf(sample)),
    dispose,
  });
  const first = laneOf(session, 1);
  const crew = openCrew(first, workers - 1, async () =>
    laneOf(await runtime.load(model), HELPER_DEPTH),
  );
  try {
    for await (const { item, result } of mapInOrder(samples, crew.ready)) {
      yield { sample: item, outputs: result };
    }
  } finally {
    await disposeHelpers(crew, first);
  }
}

interface Disposable {
  dispose(): Promise<void>;
}

async function disposeHelpers<M extends Disposable>(crew: Crew<M>, first: M): Promise<void> {
  const members = await crew.all();
  await Promise.all(members.filter((member) => member !== first).map((member) => member.dispose()));
}
