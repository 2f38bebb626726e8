import { findShare } from './tallied.ts';
import type { Gate } from './types.ts';

/**
 * Devices that could not keep the version, of those asked to take it. It says most of a broken
 * version, and one device gives it one figure only, so that it has as much of the error rate as all
 * other gates together.
 */
export const activations: Gate = {
  title: 'Failed activations',
  weight: 10,
  find: (evidence, { maxFailedShare: tolerated }) =>
    findShare(evidence, { tally: 'activations', tolerated, did: 'failed to activate' }),
};
