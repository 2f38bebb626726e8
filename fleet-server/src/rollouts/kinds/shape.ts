import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Candidate } from '../choose.ts';
import type { RolloutSettings } from '../settings.ts';
import { candidateArm } from './arms.ts';
import type { RolloutKind } from './settings.ts';
import { whyNoShadow, withBase } from './shadows.ts';

/** Of an A/B rollout: `control` devices keep their version, `candidate` ones get the new one. */
export type ArmName = '' | 'control' | 'candidate';

/** Why a device gets what it gets; the variant of a control device is for when it is promoted. */
export const reasonIn = ({
  arm,
  state,
  reason,
}: {
  readonly arm: string;
  readonly state: string;
  readonly reason: string;
}): string => (arm === 'control' && state === 'unchanged' ? 'keeps its version (arm A)' : reason);

/** Why a device cannot take part in a rollout of a kind whatever its variant. */
export const obstacleFor = (kind: RolloutKind) =>
  kind === 'shadow' ? whyNoShadow : () => undefined;

export interface Shaped {
  readonly taking: readonly Candidate[];
  readonly others: readonly Candidate[];
  readonly armOf: (device: string) => ArmName;
}

/**
 * Who takes part, by the kind of the rollout: what compares leaves out devices that run nothing to
 * compare with, and an A/B rollout asks one arm only.
 *
 * @throws FlotillaError `rollout.invalid`
 */
export async function shapeByKind(
  db: Kysely<Database>,
  { fleet, id, slot }: { readonly fleet: string; readonly id: string; readonly slot: string },
  { kind, ab }: RolloutSettings,
  candidates: readonly Candidate[],
): Promise<Shaped> {
  const fit = kind === 'update' ? candidates : await withBase(db, fleet, slot, candidates);
  const pending = fit.filter(({ state }) => state === 'pending');
  const others = fit.filter(({ state }) => state !== 'pending');
  if (ab === undefined || pending.length === 0) return { taking: pending, others, armOf: () => '' };
  const ids = pending.map(({ device }) => device);
  const candidate = await candidateArm(id, ids, ab.sharePercent);
  const all = new Set(ids);
  const controls = pending
    .filter(({ device }) => !candidate.has(device))
    .map((one): Candidate => ({ ...one, state: 'unchanged' }));
  return {
    taking: pending.filter(({ device }) => candidate.has(device)),
    others: [...controls, ...others],
    armOf: (device) => (candidate.has(device) ? 'candidate' : all.has(device) ? 'control' : ''),
  };
}
