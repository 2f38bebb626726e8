import { FlotillaError, type Precision } from '@flotilla/protocol';
import type { QdqForm } from '@flotilla/targets';
import { writeOnnx } from '../formats/onnx/write.ts';
import type { Graph, Model } from '../ir/graph.ts';
import type { Makeable } from '../precisions.ts';
import { toFloat16 } from './fp16.ts';
import { quantizeInt8 } from './int8.ts';
import type { Ranges } from './plan-context.ts';

/** A model in one precision, and its file. */
export interface Quantized {
  readonly precision: Precision;
  readonly model: Model;
  readonly bytes: Uint8Array;
  /** By value of the fp32 model, the name under which this one has it, for comparison. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Nodes that stayed in fp32 although they might have gained, with the reason. */
  readonly skipped: readonly { readonly node: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

/**
 * @param model float32, after the passes; it is not changed
 * @param ranges needed for int8
 * @throws FlotillaError `quantize.impossible`
 */
export function quantize(
  model: Model,
  precision: Makeable,
  form: QdqForm,
  ranges: Ranges | undefined,
): Quantized {
  const result = { fp32: asItIs, fp16: toHalves, int8: toIntegers }[precision](model, form, ranges);
  return { precision, bytes: writeOnnx(result.model), ...result };
}

type Result = Omit<Quantized, 'precision' | 'bytes'>;

function asItIs(model: Model): Result {
  return { model, renamed: sameNames(model.graph, model.graph), skipped: [], warnings: [] };
}

function toHalves(fp32: Model): Result {
  const { model, warnings, blocked } = toFloat16(fp32);
  const skipped = blocked.map((node) => ({ node, reason: 'has no float16 form' }));
  return { model, renamed: sameNames(fp32.graph, model.graph), skipped, warnings };
}

function toIntegers(fp32: Model, form: QdqForm, ranges: Ranges | undefined): Result {
  if (ranges !== undefined) return { ...quantizeInt8(fp32, ranges, form), warnings: [] };
  const reason = 'it needs samples to calibrate with';
  throw new FlotillaError('quantize.impossible', { precision: 'int8', reason });
}

/** Values that both graphs compute under one name. */
function sameNames(a: Graph, b: Graph): Map<string, string> {
  const there = new Set(b.nodes.flatMap((node) => node.outputs));
  const names = a.nodes.flatMap((node) => node.outputs).filter((name) => there.has(name));
  return new Map(names.map((name) => [name, name]));
}
