import { FlotillaError } from '@flotilla/protocol';
import { constantBytes } from '../ir/edit.ts';
import type { Model } from '../ir/graph.ts';
import { graphFault } from '../ir/validate.ts';
import { checkKept, shieldKept } from './keep.ts';

export interface PassOptions {
  /** Lowest ai.onnx opset that the result may have; a model already above it stays where it is. */
  readonly opset: number;
  /** Names of nodes and values that no pass may remove or rewrite; none where it is left out. */
  readonly keep?: ReadonlySet<string>;
}

/** What the runner tells each pass. */
export interface PassContext extends PassOptions {
  /** What the constants took before the first pass: what is made of them is measured by it. */
  readonly bytesBefore: number;
}

export interface PassResult {
  /** How many nodes or constants were changed, removed or added; 0 says that the model is as it was. */
  readonly changed: number;
  /** A line for each thing that was done: what, and where. */
  readonly did?: readonly string[];
  /** A line for each rewrite that looked possible and was not done: the node, and why. */
  readonly declined?: readonly string[];
  /** What a person should know in any case. */
  readonly notes?: readonly string[];
}

/** One step over a model, which it edits in place. It neither logs nor validates: the runner does. */
export interface Pass {
  readonly name: string;
  /**
   * True where the result means nothing unless every node is rewritten: what is to be kept is then
   * shown to the pass like any other node.
   */
  readonly touchesAll?: boolean;
  /** True where other passes cannot do without: it runs although others are chosen by name. */
  readonly always?: boolean;
  /** Why the pass cannot run on this model, or undefined where it can. */
  readonly requires?: (model: Model, context: PassContext) => string | undefined;
  readonly run: (model: Model, context: PassContext) => PassResult | Promise<PassResult>;
  /** What the pass promised and did not keep, or undefined. */
  readonly ensures?: (model: Model, context: PassContext) => string | undefined;
}

export interface PassReport extends Required<PassResult> {
  readonly pass: string;
}

/** Lines of one kind that a report holds; the last then says how many more there were. */
const MAX_LINES = 40;

/**
 * Runs passes in order over a model, in place, and checks the graph before the first and after each;
 * then all of them again while they change anything, `rounds` times at most. From each pass it hides
 * the nodes of `keep`, and shows it the values of `keep` as outputs.
 *
 * @throws FlotillaError `model.graph-invalid` where the model was broken before, `model.pass-failed`
 * naming the pass that broke it, `pass.keep-unknown`, and what a pass itself refuses with.
 */
export async function runPassList(
  model: Model,
  passes: readonly Pass[],
  options: PassOptions,
  rounds = 1,
): Promise<PassReport[]> {
  checkModel(model);
  checkKept(model, options.keep ?? new Set());
  const context = { ...options, bytesBefore: constantBytes(model.graph) };
  const results: PassResult[][] = passes.map(() => []);
  const seen = new Map<Pass, number>();
  let version = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [i, pass] of passes.entries()) {
      if (seen.get(pass) === version) continue;
      const result = await runPass(pass, model, context, passes.slice(0, i));
      results[i]!.push(result);
      if (result.changed > 0) version++;
      else seen.set(pass, version);
    }
  }
  return passes.map((pass, i) => reportOf(pass, results[i]!));
}

/** One pass with the checks before and after it. */
async function runPass(
  pass: Pass,
  model: Model,
  context: PassContext,
  before: readonly Pass[],
): Promise<PassResult> {
  const unmet = pass.requires?.(model, context);
  if (unmet !== undefined) throw failed(pass, `needs ${unmet}`, before);
  const { keep = new Set<string>() } = context;
  const lift = shieldKept(model, pass.touchesAll ? new Set() : keep);
  const result = await runShielded(pass, model, context, before).finally(lift);
  const broken = graphFault(model.graph) ?? pass.ensures?.(model, context);
  if (broken !== undefined) throw failed(pass, `left ${broken}`, before);
  return result;
}

/** What was declined in an early round may have been done in a later one: the last counts. */
function reportOf({ name }: Pass, rounds: readonly PassResult[]): PassReport {
  return {
    pass: name,
    changed: rounds.reduce((sum, { changed }) => sum + changed, 0),
    did: shortened(rounds.flatMap(({ did = [] }) => did)),
    declined: shortened(rounds.at(-1)?.declined),
    notes: shortened(rounds.flatMap(({ notes = [] }) => notes)),
  };
}

function shortened(lines: readonly string[] = []): readonly string[] {
  const all = [...new Set(lines)];
  if (all.length <= MAX_LINES) return all;
  return [...all.slice(0, MAX_LINES - 1), `and ${all.length - MAX_LINES + 1} more`];
}

/** A model may be wrong in ways that no check foresaw: that too ends with the pass's name. */
async function runShielded(
  pass: Pass,
  model: Model,
  context: PassContext,
  before: readonly Pass[],
): Promise<PassResult> {
  try {
    return await pass.run(model, context);
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
  before: readonly Pass[],
  cause?: unknown,
): FlotillaError {
  const ran = before.map(({ name }) => name).join(', ') || 'none';
  return new FlotillaError(
    'model.pass-failed',
    { pass: pass.name, reason, before: ran },
    { cause },
  );
}
