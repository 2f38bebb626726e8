import { readFile } from 'node:fs/promises';
import {
  compareTensors,
  createPipeline,
  type PairedQuality,
  type Pipeline,
  type Prediction,
  pairs,
  parseSpec,
  type Session,
  type Tensors,
} from '@flotilla/model';
import { ortRuntime, sharpDecoder } from '@flotilla/model/node';
import type { Sample } from './subject.ts';

/** From here on outputs that are no classes count as the same: a tenth of the signal is noise. */
const AGREEING_DB = 20;

/** What a model answers to each evaluation sample. */
export type Answers = readonly Prediction[];

/** Runs models on the evaluation samples and compares what they say, in pairs. */
export interface Judge {
  answers(session: Session): Promise<Answers>;
  /** `kl` is 0 where the outputs are no classes. */
  compare(reference: Answers, own: Answers): PairedQuality;
  readonly classifies: boolean;
}

export function openJudge(specText: string, fp32: Session, samples: readonly Sample[]): Judge {
  const spec = parseSpec(specText, 'the spec of the samples');
  const options = { labels: undefined, inputs: fp32.inputs, decoder: sharpDecoder() };
  const pipeline = createPipeline(spec, options);
  const classifies = spec.outputs.classification !== undefined;
  const labels = samples.flatMap(({ label }) => label ?? []);
  const truth = labels.length === samples.length ? labels : undefined;
  return {
    classifies,
    answers: (session) => answersOf(session, pipeline, samples),
    compare: (reference, own) =>
      classifies ? pairs(reference, own, truth) : pairs(...agreements(reference, own)),
  };
}

async function answersOf(
  session: Session,
  pipeline: Pipeline,
  samples: readonly Sample[],
): Promise<Answers> {
  const answers: Prediction[] = [];
  for (const { tensors } of samples) {
    answers.push(...pipeline.postprocess(await session.run(tensors)));
  }
  return answers;
}

/** Outputs that are no classes, as answers of a classifier that says whether they agree. */
function agreements(reference: Answers, own: Answers): [Answers, Answers] {
  const same = reference.map((expected, i) => agree(expected, own[i]));
  return [same.map(() => answer(0)), same.map((agrees) => answer(agrees ? 0 : 1))];
}

function agree(expected: Prediction, actual: Prediction | undefined): boolean {
  const { sqnrDb } = compareTensors(tensorsOf(expected), tensorsOf(actual), {
    absolute: 0,
    relative: 0,
  });
  return sqnrDb >= AGREEING_DB;
}

function tensorsOf(prediction: Prediction | undefined): Tensors {
  return prediction?.kind === 'raw' ? prediction.tensors : {};
}

function answer(index: 0 | 1): Prediction {
  const probabilities = Float32Array.of(1, 1);
  return { kind: 'classification', index, label: '', confidence: 1, top: [], probabilities };
}

export async function loadFile(file: string): Promise<Session> {
  return await ortRuntime().load(new Uint8Array(await readFile(file)));
}
