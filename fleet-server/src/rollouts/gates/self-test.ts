import { findShare } from './tallied.ts';
import type { Gate } from './types.ts';

/**
 * Devices on which the golden outputs came out almost too different: what passed there may fail on
 * the next device, and a share that is too large says that the variant does not suit the hardware.
 */
export const selfTest: Gate = {
  title: 'Self-test deviation',
  find: (evidence, { maxDeviatingShare: tolerated }) =>
    findShare(evidence, {
      tally: 'self-test',
      tolerated,
      did: 'came close to the tolerance of the self-test',
    }),
};
