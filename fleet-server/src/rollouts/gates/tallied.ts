import { shareEvidence } from './e-values.ts';
import { percent, plural, writeCount } from './text.ts';
import type { Evidence, Finding, Nothing, TallyName } from './types.ts';

interface Question {
  readonly tally: TallyName;
  /** Share of bad devices that is tolerated. */
  readonly tolerated: number;
  /** What the bad ones did: "failed to activate". */
  readonly did: string;
}

/**
 * Judges the share of bad devices. Beside the test a fact counts: where more devices are bad than
 * the limit allows of the whole membership, none that is still to come can change it.
 */
export function findShare(
  { tallies, membership }: Evidence,
  { tally, tolerated, did }: Question,
): Finding | Nothing {
  const asked = tallies[tally].reduce((sum, one) => sum + one.asked, 0);
  const bad = tallies[tally].reduce((sum, one) => sum + one.bad, 0);
  const share = asked === 0 ? 0 : bad / asked;
  const [worst] = [...tallies[tally]].sort((a, b) => b.bad - a.bad);
  const why = bad > 0 && worst !== undefined && worst.reason !== '' ? worst.reason : '';
  const certain = bad > tolerated * membership;
  const most = `at most ${percent(tolerated)}${certain ? ` of all ${writeCount(membership)}` : ''} tolerated`;
  return {
    log: shareEvidence(bad, asked, tolerated),
    certain,
    seen: `${writeCount(bad)} of ${plural(asked, 'device')} ${did}${why === '' ? '' : `, most often ${why}`}`,
    limit: `${percent(share)}, ${most}`,
    numbers: { asked, bad, share, limit: tolerated },
  };
}
