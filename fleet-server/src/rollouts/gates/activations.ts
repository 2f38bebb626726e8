import { findShare } from './tallied.ts';
import type { Gate } from './types.ts';

/** Devices that could not keep the version, of those asked to take it. */
export const activations: Gate = {
  title: 'Failed activations',
  find: (evidence, { maxFailedShare: tolerated }) =>
    findShare(evidence, { tally: 'activations', tolerated, did: 'failed to activate' }),
};
