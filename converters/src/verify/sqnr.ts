import { decibels, type Runtime, type Session, type Tensors } from '@flotilla/model';
import { tapValues } from '../calibrate/taps.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import { indexGraph } from '../ir/edit.ts';
import type { Model } from '../ir/graph.ts';

/** How much noise quantization has added by the time a node has run. */
export interface NodeSqnr {
  readonly node: string;
  /** 10 · log10(Σ fp32² / Σ (fp32 − variant)²), from −150 to 150. */
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
    const a = tapValues(
      fp32,
      batch.map(([name]) => name),
    );
    const b = tapValues(
      variant,
      batch.map(([, name]) => name),
    );
    const noise = await withSession(runtime, a.model, (one) =>
      withSession(runtime, b.model, (two) =>
        compareRuns({ ...a, session: one }, { ...b, session: two }, batch, samples),
      ),
    );
    noise.forEach((db, i) => {
      const [name = ''] = batch[i] ?? [];
      rows.push({ node: producer.get(name)?.name ?? name, db });
    });
  }
  return rows.sort((x, y) => x.db - y.db);
}

async function withSession<T>(
  runtime: Runtime,
  model: Model,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await runtime.load(writeOnnx(model));
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

interface Tapped {
  readonly session: Session;
  readonly outputs: ReadonlyMap<string, string>;
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
  return pairs.map((_, i) => {
    const db = decibels(signal[i]!, noise[i]!);
    // NaN in either model leaves no signal at all.
    return Number.isNaN(db) ? -MAX_DB : Math.min(MAX_DB, Math.max(-MAX_DB, db));
  });
}

function floatsOf(outputs: Tensors, name: string | undefined): Float32Array {
  const data = outputs[name ?? '']?.data;
  return data instanceof Float32Array ? data : new Float32Array();
}
