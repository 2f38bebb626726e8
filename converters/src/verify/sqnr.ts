import { decibels, type Runtime, type Session, type Tensors } from '@flotilla/model';
import { tapValues } from '../calibrate/taps.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import { indexGraph } from '../ir/edit.ts';
import type { Model } from '../ir/graph.ts';

/** How much noise quantization has added by the time a node has run. */
export interface NodeSqnr {
  readonly node: string;
  /** 10 · log10(Σ fp32² / Σ (fp32 − variant)²), at most 150. */
  readonly db: number;
}

/** Values compared in one run: bounds the memory that their copies take. */
const BATCH = 48;
/** Beyond this the two are equal to float32 precision. */
const MAX_DB = 150;

/**
 * Signal to quantization noise of each node whose output both models have, worst first.
 *
 * @param renamed by value of the fp32 model, its name in the variant
 * @param samples inputs to run both models on; a few are enough
 */
export async function nodeSqnr(
  fp32: Model,
  variant: Model,
  renamed: ReadonlyMap<string, string>,
  samples: readonly Tensors[],
  runtime: Runtime,
): Promise<NodeSqnr[]> {
  const { producer } = indexGraph(fp32.graph);
  const pairs = [...renamed].filter(([name]) => producer.has(name));
  const rows: NodeSqnr[] = [];
  for (let start = 0; start < pairs.length; start += BATCH) {
    const batch = pairs.slice(start, start + BATCH);
    const a = await tap(
      fp32,
      batch.map(([name]) => name),
      runtime,
    );
    const b = await tap(
      variant,
      batch.map(([, name]) => name),
      runtime,
    );
    try {
      const noise = await compareRuns(a, b, batch, samples);
      noise.forEach((db, i) => {
        const [name = ''] = batch[i] ?? [];
        rows.push({ node: producer.get(name)?.name ?? name, db });
      });
    } finally {
      await a.session.dispose();
      await b.session.dispose();
    }
  }
  return rows.sort((x, y) => x.db - y.db);
}

interface Tapped {
  readonly session: Session;
  readonly outputs: ReadonlyMap<string, string>;
}

async function tap(model: Model, values: readonly string[], runtime: Runtime): Promise<Tapped> {
  const tapped = tapValues(model, values);
  return { session: await runtime.load(writeOnnx(tapped.model)), outputs: tapped.outputs };
}

async function compareRuns(
  fp32: Tapped,
  variant: Tapped,
  pairs: readonly (readonly [string, string])[],
  samples: readonly Tensors[],
): Promise<number[]> {
  const signal = new Float64Array(pairs.length);
  const noise = new Float64Array(pairs.length);
  for (const feeds of samples) {
    const expected = await fp32.session.run(feeds);
    const actual = await variant.session.run(feeds);
    pairs.forEach(([a, b], i) => {
      const x = floatsOf(expected, fp32.outputs.get(a));
      const y = floatsOf(actual, variant.outputs.get(b));
      for (let j = 0; j < x.length; j++) {
        signal[i]! += x[j]! ** 2;
        noise[i]! += (x[j]! - (y[j] ?? 0)) ** 2;
      }
    });
  }
  return pairs.map((_, i) => Math.min(MAX_DB, decibels(signal[i]!, noise[i]!)));
}

function floatsOf(outputs: Tensors, name: string | undefined): Float32Array {
  const data = outputs[name ?? '']?.data;
  return data instanceof Float32Array ? data : new Float32Array();
}
