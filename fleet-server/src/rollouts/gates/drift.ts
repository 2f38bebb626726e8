import { findShare } from './tallied.ts';
import type { Gate } from './types.ts';

/** Devices whose own drift test fires with the new version and did not with the previous one. */
export const drift: Gate = {
  title: 'Drift of the inputs',
  find: (evidence, { maxDriftingShare: tolerated }) =>
    findShare(evidence, {
      tally: 'drift',
      tolerated,
      did: 'call their inputs drifted with the new version only',
    }),
};
