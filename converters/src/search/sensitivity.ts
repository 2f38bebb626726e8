import type { StaticScheme } from '../quantize/scheme.ts';
import type { NodeSensitivity } from '../result.ts';

/** What a part of the nodes in int8 does to the outputs. */
export interface PartNoise {
  readonly divergence: number;
  readonly kl: number;
  readonly db: number;
}

export interface SensitivityInput {
  readonly scheme: StaticScheme;
  /** Nodes that int8 computes, in graph order. */
  readonly heavy: readonly { readonly node: string; readonly op: string }[];
  /** Judges the scheme on a few samples. */
  readonly probe: (scheme: StaticScheme) => Promise<PartNoise>;
  readonly onPart?: (done: number, total: number) => void;
}

/** The nodes' order for leaving int8, worst first, and what was measured of each. */
export interface Sensitivity extends NodeSensitivity {
  readonly divergence: number;
}

/** Most variants that are made to tell nodes apart. */
const MOST_PROBES = 48;

/**
 * Measures what int8 in each node alone does to the outputs, all others in floating point. Where
 * there are many nodes, neighbors are first taken together, and the worst such groups are divided.
 */
export async function measureSensitivity(input: SensitivityInput): Promise<Sensitivity[]> {
  const { heavy } = input;
  const whole = heavy.length <= MOST_PROBES;
  const count = whole ? heavy.length : Math.floor(MOST_PROBES / 2);
  const total = Math.min(heavy.length, MOST_PROBES);
  let done = 0;
  const measure = async (nodes: Group): Promise<Measured> => {
    const noise = await probePart(input, nodes);
    done += 1;
    input.onPart?.(done, total);
    return { nodes, noise };
  };
  const groups: Measured[] = [];
  for (const nodes of divided(heavy, count)) groups.push(await measure(nodes));
  const rows = whole ? groups : await divideWorst(groups, MOST_PROBES - count, measure);
  return rows
    .flatMap(({ nodes, noise }) =>
      nodes.map((node) => ({ ...node, ...shareOf(noise, nodes.length) })),
    )
    .sort((a, b) => b.divergence - a.divergence || (a.node < b.node ? -1 : 1));
}

type Group = SensitivityInput['heavy'];

interface Measured {
  readonly nodes: Group;
  readonly noise: PartNoise;
}

async function probePart(
  { scheme, heavy, probe }: SensitivityInput,
  nodes: Group,
): Promise<PartNoise> {
  const alone = new Set(nodes.map(({ node }) => node));
  const float = heavy.flatMap(({ node }) => (alone.has(node) ? [] : [node]));
  return await probe({ ...scheme, precision: float.length > 0 ? 'mixed' : 'int8', float });
}

/** Takes the worst group apart again and again, until as many were measured as may be. */
async function divideWorst(
  groups: Measured[],
  most: number,
  measure: (nodes: Group) => Promise<Measured>,
): Promise<Measured[]> {
  let left = most;
  for (;;) {
    const divisible = groups.filter(({ nodes }) => nodes.length > 1);
    const worst = divisible.reduce<Measured | undefined>(
      (a, b) => (a === undefined || b.noise.divergence > a.noise.divergence ? b : a),
      undefined,
    );
    if (worst === undefined || left < 2) return groups;
    const halves = divided(worst.nodes, 2);
    left -= halves.length;
    const parts: Measured[] = [];
    for (const nodes of halves) parts.push(await measure(nodes));
    groups.splice(groups.indexOf(worst), 1, ...parts);
  }
}

/** What each of several nodes that were measured together is taken to add. */
function shareOf({ divergence, kl, db }: PartNoise, nodes: number): PartNoise {
  return { divergence: divergence / nodes, kl: kl / nodes, db: db + 10 * Math.log10(nodes) };
}

/** Neighbors in `count` groups of nearly one size. */
function divided<T>(items: readonly T[], count: number): (readonly T[])[] {
  const groups = Math.min(count, items.length);
  return Array.from({ length: groups }, (_, i) =>
    items.slice(
      Math.floor((i * items.length) / groups),
      Math.floor(((i + 1) * items.length) / groups),
    ),
  );
}
