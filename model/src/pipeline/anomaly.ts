import type { AnomalyOutput, AnomalySource, InputSpec } from '../spec/types.ts';
import type { Tensors } from '../tensor.ts';
import {
  type OutputReader,
  outputMismatch,
  outputNamed,
  type ReadContext,
  samplesOf,
} from './output-reading.ts';
import type { Contribution } from './prediction.ts';
import type { Prepared } from './prepared.ts';
import { ownersOf } from './row-encoder.ts';

interface Scored {
  readonly score: number;
  readonly contributions: readonly Contribution[];
}

/** Contributions that are told of. */
const TOP = 10;

/**
 * Reads a score [batch], [batch, 1], or compares an output with the input that it should equal. A
 * score that is no number shows nothing to be normal: it counts as anomalous.
 */
export function anomalyReader(output: AnomalyOutput, context: ReadContext): OutputReader {
  const { source, threshold, anomalousWhen } = output;
  const scoresOf = source.kind === 'score' ? given(source, context) : rebuilt(source, context);
  return (outputs, prepared) =>
    scoresOf(outputs, prepared).map(({ score, contributions }) => {
      const anomalous = anomalousWhen === 'above' ? !(score < threshold) : !(score > threshold);
      return { kind: 'anomaly', score, threshold, anomalous, contributions };
    });
}

type ScoresOf = (outputs: Tensors, prepared: Prepared) => Scored[];

function given(
  { tensor }: Extract<AnomalySource, { kind: 'score' }>,
  context: ReadContext,
): ScoresOf {
  return (outputs) => {
    const found = outputNamed(context, outputs, tensor);
    // A tensor [batch] holds a score for each sample.
    const rows = samplesOf(
      found.shape.length === 1 ? { ...found, shape: [...found.shape, 1] } : found,
    );
    return rows.map((row) => {
      if (row.length === 1) return { score: row[0]!, contributions: [] };
      throw outputMismatch(context, tensor, `of shape [${found.shape}] is not one score a sample`);
    });
  };
}

function rebuilt(
  { tensor, input, error }: Extract<AnomalySource, { kind: 'reconstruction' }>,
  context: ReadContext,
): ScoresOf {
  const owners = ownersFor(context.inputs[input]);
  return (outputs, { tensors }) => {
    const made = outputNamed(context, outputs, tensor);
    const fed = Object.hasOwn(tensors, input) ? tensors[input] : undefined;
    if (!fed || fed.data.length !== made.data.length) {
      const reason = `of shape [${made.shape}] does not rebuild input ${input} of [${fed?.shape}]`;
      throw outputMismatch(context, tensor, reason);
    }
    const expected = samplesOf(fed);
    // By the samples of the input: an output may come without its batch.
    return samplesOf({ ...made, shape: fed.shape }).map((row, i) => {
      const differences = Float64Array.from(row, (x, j) => x - expected[i]![j]!);
      const errors = differences.map((d) => (error === 'mae' ? Math.abs(d) : d * d));
      const total = errors.reduce((sum, value) => sum + value, 0);
      const mean = total / Math.max(1, errors.length);
      const score = error === 'rmse' ? Math.sqrt(mean) : mean;
      return { score, contributions: contributionsOf(errors, total, owners) };
    });
  };
}

/** Names of the numbers of a row of features; other inputs have none. */
function ownersFor(input: InputSpec | undefined): readonly string[] {
  return input?.kind === 'features' ? ownersOf(input.columns) : [];
}

function contributionsOf(
  errors: Float64Array,
  total: number,
  owners: readonly string[],
): Contribution[] {
  if (owners.length !== errors.length || !(total > 0)) return [];
  const shares = new Map<string, number>();
  for (const [i, name] of owners.entries()) {
    shares.set(name, (shares.get(name) ?? 0) + errors[i]! / total);
  }
  return [...shares]
    .map(([name, share]) => ({ name, share }))
    .sort((a, b) => b.share - a.share)
    .slice(0, TOP);
}
