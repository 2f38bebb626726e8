import type { RegressionOutput } from '../spec/types.ts';
import {
  type OutputReader,
  outputMismatch,
  outputNamed,
  type ReadContext,
  samplesOf,
} from './output-reading.ts';

/** Reads values [batch, values…]: value = tensor · std + mean. */
export function regressionReader(output: RegressionOutput, context: ReadContext): OutputReader {
  const { tensor, names, mean, std, unit } = output;
  const expected = names?.length ?? Math.max(mean.length, std.length);
  const isFree = names === undefined && expected === 1;
  return (outputs) =>
    samplesOf(outputNamed(context, outputs, tensor)).map((row) => {
      if (!isFree && row.length !== expected) {
        const reason = `has ${row.length} values but the spec tells of ${expected}`;
        throw outputMismatch(context, tensor, reason);
      }
      const of = <T>(list: readonly T[], i: number): T => list[list.length === 1 ? 0 : i]!;
      const values = Float64Array.from(row, (x, i) => x * of(std, i) + of(mean, i));
      const units = unit && Array.from(values, (_, i) => of(unit, i));
      return { kind: 'regression', values, names, units };
    });
}
