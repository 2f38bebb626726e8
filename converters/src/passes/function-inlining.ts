import { inlineFunctions } from '../ir/inline-functions.ts';
import { definitionOf } from '../ops/operators.ts';
import type { Pass } from './pass.ts';

/**
 * Replaces calls of the model's own functions by their bodies, so that the passes after it see the
 * operators. Before any other: functions state opsets of their own, which an upgrade leaves behind.
 */
export const functionInlining: Pass = {
  name: 'function-inlining',
  run(model, { keep }) {
    const before = model.functions;
    const { calls, declined } = inlineFunctions(model, unchanged);
    // A call that is kept looks like no call: what it calls must stay.
    if (keep !== undefined && keep.size > 0) model.functions = before;
    const did = calls.map((call) => `${call.node}: replaced by function ${call.function}`);
    return { changed: calls.length, did, declined };
  },
};

function unchanged(op: string, from: number, to: number): boolean {
  const definition = definitionOf(op, from);
  return definition !== undefined && definition === definitionOf(op, to);
}
