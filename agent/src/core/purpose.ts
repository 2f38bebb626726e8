import type { WantedDeployment } from './state.ts';

/** What a bundle comes for: to answer, to run beside what answers, or to be measured. */
export type Purpose = 'serve' | 'shadow' | 'measure';

type Named = Pick<WantedDeployment, 'shadow' | 'measureOnly'>;

export function purposeOf({ shadow, measureOnly }: Named): Purpose {
  if (measureOnly) return 'measure';
  return shadow === undefined ? 'serve' : 'shadow';
}

/** Named in the shadow's place of a slot, whose active model it must not hold up or change. */
export const isBeside = (deployment: Named): boolean => purposeOf(deployment) !== 'serve';
