import { stat } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';
import { compareRuns, type RunComparison } from './compare-runs.ts';
import { readModelFiles } from './formats/onnx/file.ts';
import { writeOnnxFile } from './formats/onnx/write-file.ts';
import { graphSize } from './graph-size.ts';
import { constantBytes } from './ir/edit.ts';
import { cloneModel, type Model, opsetOf } from './ir/graph.ts';
import { MAX_UPGRADE } from './ops/upgrade/index.ts';
import { checkOutFile, writeBeside } from './out-file.ts';
import { cutModel } from './passes/cut.ts';
import { fixShapes } from './passes/fix-shape.ts';
import { MIN_OPSET, type PassReport, runPasses } from './passes/index.ts';
import type { GraphRequest } from './request.ts';
import type { GraphSize } from './result.ts';
import { invalid } from './settings.ts';

/** What to make of a model file without data. Plain JSON, so that a child process can be asked. */
export interface RewriteRequest extends GraphRequest {
  readonly modelFile: string;
  /** The file written, in a folder that is there; none of the model's. */
  readonly out: string;
  /** Lowest ai.onnx opset of the result, from 1 to 26; default 13. */
  readonly opset?: number;
  /** True to write weights to a file of their own, beside the model. */
  readonly externalData?: boolean;
}

export interface RewriteResult {
  /** Written, the model first. */
  readonly files: readonly string[];
  readonly opset: number;
  readonly before: GraphSize;
  readonly after: GraphSize;
  readonly passes: readonly PassReport[];
  /** Both models on the same seeded inputs. */
  readonly check: RunComparison;
}

/** Results may differ so much, relative to the largest: passes round elsewhere than the model did. */
const MAX_DIFFERENCE = 1e-3;

/**
 * Reads a model, runs the passes over it, writes it, and runs both on the same made-up inputs. They
 * run in this process: where the model is not trusted, have `runLimited` call `child.ts`.
 *
 * @throws FlotillaError `convert.request-invalid`, `convert.differs` where the two disagree, and what
 * reading, passes and writing refuse with; what was at `out` is there still then
 */
export async function rewriteModel(request: RewriteRequest): Promise<RewriteResult> {
  const { modelFile, out, cut, fixShape, externalData, opset = MIN_OPSET } = request;
  if (!Number.isInteger(opset) || opset < 1 || opset > MAX_UPGRADE) {
    throw invalid('opset', `must be a whole number from 1 to ${MAX_UPGRADE}`);
  }
  const { model, external } = await readModelFiles(modelFile);
  await checkOutFile(out, [modelFile, ...external]);
  // Weights may lie in files beside the model.
  const constants = constantBytes(model.graph);
  const before = graphSize(model, Math.max(await fileBytes([modelFile]), constants));
  if (cut !== undefined) cutModel(model, cut);
  const reference = cut === undefined ? modelFile : cloneModel(model);
  if (fixShape !== undefined) fixShapes(model, fixShape);
  const passes = await runPasses(model, {
    opset,
    keep: new Set(request.keep),
    passes: withoutWidening(request.passes),
  });
  const { files, value: check } = await writeBeside(out, async (path) => {
    const written = await writeOnnxFile(
      model,
      path,
      externalData ? { externalAbove: 1 << 10 } : {},
    );
    return { files: written, value: await checked(model, reference, path) };
  });
  const after = graphSize(model, await fileBytes(files));
  return { files, opset: opsetOf(model), before, after, passes, check };
}

/** A model keeps its precision here, unless the pass is asked for by its name. */
function withoutWidening(passes: readonly string[] = []): readonly string[] {
  const chosen = passes.some((name) => !name.startsWith('-'));
  return chosen ? passes : [...passes, '-widen-float16'];
}

/** Runs what was written beside what it was made of. */
async function checked(
  model: Model,
  reference: string | Model,
  written: string,
): Promise<RunComparison> {
  const comparison = await compareRuns(reference, written, model);
  const { difference, output } = comparison;
  if (difference === null || difference <= MAX_DIFFERENCE) return comparison;
  const context = { output: output ?? '', difference: difference.toPrecision(2) };
  throw new FlotillaError('convert.differs', context);
}

async function fileBytes(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
