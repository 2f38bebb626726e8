import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { Work } from '../verify/work.ts';
import type { Sensitivity } from './sensitivity.ts';
import type { Trial } from './trial.ts';

interface FloatSearch {
  readonly scheme: StaticScheme;
  readonly sensitivity: readonly Sensitivity[];
  readonly work: Work;
  readonly attempt: (scheme: Scheme) => Promise<Trial | undefined>;
  readonly isEnough: (trial: Trial) => boolean;
}

/**
 * Leaves nodes in floating point, the most harmful for their work first: twice as many each time
 * until that is enough, then as few as are enough (bisection). The trials are what is left of it.
 */
export async function chooseFloatNodes(search: FloatSearch): Promise<void> {
  const { scheme, sensitivity, attempt, isEnough } = search;
  const order = inOrder(search).filter((node) => !scheme.float.includes(node));
  const enough = async (count: number): Promise<boolean> => {
    const float = [...scheme.float, ...order.slice(0, count)];
    const trial = await attempt({ ...scheme, precision: 'mixed', float });
    return trial !== undefined && isEnough(trial);
  };
  // With the last product in float nothing is quantized any more: that is another precision.
  const most = sensitivity.length - scheme.float.length - 1;
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

/** Harm relative to the time that the node in floating point takes. */
function inOrder({ sensitivity, work }: FloatSearch): string[] {
  const operations = new Map(work.nodes.map((node) => [node.node, node.operations]));
  const all = [...operations.values()].reduce((sum, count) => sum + count, 0);
  // Even a node without work to speak of costs its two conversions.
  const cost = (node: string): number => 0.01 + (operations.get(node) ?? 0) / Math.max(1, all);
  return sensitivity
    .map(({ node, divergence }) => ({ node, harm: divergence / cost(node) }))
    .sort((a, b) => b.harm - a.harm || (a.node < b.node ? -1 : 1))
    .map(({ node }) => node);
}
