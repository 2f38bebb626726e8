import { plural } from './statistics.ts';
import type { Gate } from './types.ts';

/** Devices that could not keep the version, as a share of those asked to take it. */
export const activations: Gate = {
  title: 'Failed activations',
  judge({ activations: { ordered, failed, commonCode } }, { maxFailedShare }) {
    const share = ordered === 0 ? 0 : failed / ordered;
    const closed = failed > 0 && share > maxFailedShare;
    const why = commonCode === '' ? '' : `, most often ${commonCode}`;
    const sentence = `${failed} of ${plural(ordered, 'device')} failed to activate${why} (${percent(share)}, limit ${percent(maxFailedShare)}): ${closed ? 'closed' : 'open'}`;
    return {
      state: closed ? 'closed' : 'open',
      sentence,
      numbers: { ordered, failed, share, limit: maxFailedShare },
    };
  },
};

const percent = (share: number): string => `${Number((share * 100).toFixed(1))}%`;
