import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { Work } from '../verify/work.ts';
import { inFloat } from './schemes.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { Trial } from './trial.ts';

export interface Harm {
  readonly sensitivity: readonly Sensitivity[];
  readonly work: Work;
  /** Convolutions that channels are padded for. */
  readonly thin: readonly string[];
}

interface FloatSearch extends Harm {
  readonly scheme: StaticScheme;
  readonly attempt: (scheme: Scheme) => Promise<Trial | undefined>;
  readonly isEnough: (trial: Trial) => boolean;
}

/**
 * Leaves nodes in floating point, the most harmful for their work first: twice as many each time
 * until that is enough, then as few as are enough (bisection). The trials are what is left of it.
 */
export async function chooseFloatNodes(search: FloatSearch): Promise<void> {
  const { scheme, attempt, isEnough } = search;
  const order = inOrder(search, scheme);
  const enough = async (count: number): Promise<boolean> => {
    const float = [...scheme.float, ...order.slice(0, count)];
    const trial = await attempt(inFloat(scheme, float, search.thin));
    return trial !== undefined && isEnough(trial);
  };
  // With the last product in float nothing is quantized any more: that is another precision.
  const most = order.length - 1;
  if (most < 1) return;
  let few = 0;
  let many = 1;
  while (!(await enough(many))) {
    if (many === most) return;
    few = many;
    many = Math.min(most, many * 2);
  }
  while (many - few > 1) {
    const middle = (few + many) >> 1;
    if (await enough(middle)) many = middle;
    else few = middle;
  }
}

/**
 * What may take the place of a scheme that does not stand: more nodes in floating point, twice as
 * many each time.
 */
export function withMoreFloat(scheme: StaticScheme, harm: Harm, count: number): StaticScheme[] {
  const order = inOrder(harm, scheme);
  const schemes: StaticScheme[] = [];
  let added = Math.max(1, scheme.float.length);
  while (schemes.length < count && added < order.length) {
    const float = [...scheme.float, ...order.slice(0, added)];
    schemes.push(inFloat(scheme, float, harm.thin));
    added = added * 2 + scheme.float.length;
  }
  return schemes;
}

/** What is not in float yet, by harm relative to the time that the node in floating point takes. */
function inOrder({ sensitivity, work }: Harm, { float }: StaticScheme): string[] {
  const operations = new Map(work.nodes.map((node) => [node.node, node.operations]));
  const all = [...operations.values()].reduce((sum, count) => sum + count, 0);
  // Even a node without work to speak of costs its two conversions.
  const cost = (node: string): number => 0.01 + (operations.get(node) ?? 0) / Math.max(1, all);
  return sensitivity
    .filter(({ node }) => !float.includes(node))
    .map(({ node, divergence }) => ({ node, harm: divergence / cost(node) }))
    .sort((a, b) => b.harm - a.harm || (a.node < b.node ? -1 : 1))
    .map(({ node }) => node);
}
