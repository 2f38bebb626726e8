import { FlotillaError } from '@flotilla/protocol';
import type { Model } from '../ir/graph.ts';
import { graphFault } from '../ir/validate.ts';

export interface PassOptions {
  /** Lowest ai.onnx opset that the result may have; a model already above it stays where it is. */
  readonly opset: number;
}

export interface PassResult {
  /** How many nodes or constants were changed, removed or added; 0 says that the model is as it was. */
  readonly changed: number;
  /** What a person should know: why something that looked possible was not done. */
  readonly notes: readonly string[];
}

/** One step over a model, which it edits in place. It neither logs nor validates: the runner does. */
export interface Pass {
  readonly name: string;
  /** Why the pass cannot run on this model, or undefined where it can. */
  readonly requires?: (model: Model, options: PassOptions) => string | undefined;
  readonly run: (model: Model, options: PassOptions) => PassResult;
  /** What the pass promised and did not keep, or undefined. */
  readonly ensures?: (model: Model, options: PassOptions) => string | undefined;
}

export interface PassReport extends PassResult {
  readonly pass: string;
}

/**
 * Runs passes in order over a model, in place, and checks the graph before the first and after each.
 *
 * @throws FlotillaError `model.graph-invalid` where the model was broken before, `model.pass-failed`
 * naming the pass that broke it, and what a pass itself refuses with.
 */
export function runPassList(
  model: Model,
  passes: readonly Pass[],
  options: PassOptions,
): PassReport[] {
  checkModel(model);
  const reports: PassReport[] = [];
  for (const pass of passes) {
    const unmet = pass.requires?.(model, options);
    if (unmet !== undefined) throw failed(pass, `needs ${unmet}`, reports);
    const result = runPass(pass, model, options, reports);
    const broken = graphFault(model.graph) ?? pass.ensures?.(model, options);
    if (broken !== undefined) throw failed(pass, `left ${broken}`, reports);
    reports.push({ pass: pass.name, ...result });
  }
  return reports;
}

/** A model may be wrong in ways that no check foresaw: that too ends with the pass's name. */
function runPass(
  pass: Pass,
  model: Model,
  options: PassOptions,
  before: readonly PassReport[],
): PassResult {
  try {
    return pass.run(model, options);
  } catch (cause) {
    if (cause instanceof FlotillaError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw failed(pass, `stopped: ${reason}`, before, cause);
  }
}

/** @throws FlotillaError `model.graph-invalid` where the graph breaks a rule of the IR. */
export function checkModel(model: Model): void {
  const reason = graphFault(model.graph);
  if (reason === undefined) return;
  throw new FlotillaError('model.graph-invalid', { graph: model.graph.name, reason });
}

function failed(
  pass: Pass,
  reason: string,
  before: readonly PassReport[],
  cause?: unknown,
): FlotillaError {
  const ran = before.map((report) => report.pass).join(', ') || 'none';
  return new FlotillaError(
    'model.pass-failed',
    { pass: pass.name, reason, before: ran },
    { cause },
  );
}
