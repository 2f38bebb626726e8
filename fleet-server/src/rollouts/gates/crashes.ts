import { findShare } from './tallied.ts';
import type { Gate } from './types.ts';

/**
 * Devices that start uncleanly again and again since they were asked to take the version. Devices
 * are counted and not starts: those of one device come in bursts, whatever their cause.
 */
export const crashes: Gate = {
  title: 'Crash loops',
  find: (evidence, { maxCrashingShare: tolerated }) =>
    findShare(evidence, { tally: 'crashes', tolerated, did: 'keep crashing' }),
};
