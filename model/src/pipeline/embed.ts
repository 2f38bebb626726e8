import type { EmbeddingOutput } from '../spec/types.ts';
import { type OutputReader, outputNamed, type ReadContext, samplesOf } from './output-reading.ts';

/** Reads vectors [batch, numbers…]. */
export function embeddingReader(output: EmbeddingOutput, context: ReadContext): OutputReader {
  return (outputs) =>
    samplesOf(outputNamed(context, outputs, output.tensor)).map((row) => {
      const length = output.normalize === 'l2' ? lengthOf(row) || 1 : 1;
      return { kind: 'embedding', vector: Float32Array.from(row, (x) => x / length) };
    });
}

function lengthOf(row: Float32Array | Float64Array): number {
  let squares = 0;
  for (const x of row) squares += x * x;
  return Math.sqrt(squares);
}
