/** What a screen needs to ask for a rollout and to draw how it goes; nothing of the server's own. */
import type { Static } from 'typebox';
import type * as comparison from '../../http/schemas-comparison.ts';
import type * as schemas from '../../http/schemas-rollouts.ts';

export { LIMIT_KEYS } from '../gates/limits.ts';
export type { RolloutRequest } from '../settings.ts';
export { restMs } from './rest.ts';
export { spread } from './spread.ts';
export { STANDINGS, type Standing } from './standing.ts';
export type { StandingCounts, WaveState } from './waves.ts';
export {
  digits,
  isSoon,
  said,
  share,
  signed,
  signedShare,
  times,
  type Write,
} from './written.ts';
export type RolloutProgress = Static<typeof schemas.RolloutProgress>;
export type RolloutSummary = Static<typeof schemas.RolloutSummary>;
export type RolloutChanged = Static<typeof schemas.RolloutChanged>;
export type RolloutMember = Static<typeof schemas.RolloutDevice>;
export type RolloutDraft = Static<typeof schemas.RolloutDraftAnswer>;
export type RolloutComparison = Static<typeof comparison.RolloutComparison>;
