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
  /** Against the float model; `kl` is 0 where the outputs are no classes. */
  compare(fp32: Answers, own: Answers): PairedQuality;
  /** Against another variant: right is what the label says, or else the float model. */
  beside(fp32: Answers, other: Answers, own: Answers): PairedQuality;
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
    compare: (fp32, own) => (classifies ? pairs(fp32, own, truth) : agreements(fp32, fp32, own)),
    beside: (fp32, other, own) =>
      classifies ? pairs(other, own, truth ?? classesOf(fp32)) : agreements(fp32, other, own),
  };
}

async function answersOf(
  session: Session,
  pipeline: Pipeline,
  samples: readonly Sample[],
): Promise<Answers> {
  const answers: Prediction[] = [];
  const classifies = pipeline.spec.outputs.classification !== undefined;
  for (const { tensors } of samples) {
    const outputs = await session.run(tensors);
    if (classifies) answers.push(...pipeline.postprocess(outputs, { tensors, placements: [] }));
    else answers.push({ kind: 'raw', tensors: outputs });
  }
  return answers;
}

function classesOf(answers: Answers): number[] {
  return answers.map((answer) => (answer.kind === 'classification' ? answer.index : -1));
}

/** Outputs that are no classes are right where they agree with those of the float model. */
function agreements(fp32: Answers, other: Answers, own: Answers): PairedQuality {
  const verdicts = (answers: Answers) =>
    fp32.map((expected, i) => answer(agree(expected, answers[i]) ? 0 : 1));
  const [a, b] = [verdicts(other), verdicts(own)];
  const right = fp32.map(() => 0);
  return { ...pairs(a, b, right), metric: 'agreement', kl: 0 };
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
