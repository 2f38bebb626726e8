import { createHash } from 'node:crypto';
import type { Model } from './ir/graph.ts';

/** One for graphs that differ in the numbers of their constants only, and so take one time. */
export function structureOf({ graph }: Model): string {
  const hash = createHash('sha256');
  for (const { op, domain, inputs, outputs } of graph.nodes) {
    hash.update(JSON.stringify([domain, op, inputs, outputs]));
  }
  for (const [name, { dtype, dims }] of graph.initializers) {
    hash.update(JSON.stringify([name, dtype, dims]));
  }
  return hash.digest('hex');
}
