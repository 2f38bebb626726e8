import type { Prior } from './e-values.ts';
import { type Change, changesOf, findChange, smaller, withoutEvidence } from './paired.ts';
import { plural } from './text.ts';
import type { DevicePair, Gate } from './types.ts';

const MIB = 2 ** 20;
/** Added to both sides: what an agent without a model moves by itself. */
const SLACK_BYTES = 32 * MIB;

const PRIOR: Prior = { spread: 0.3, scale: 0.5, floor: 0.02 };

/** Rise of the agent's largest memory against the previous version on the same devices. */
export const memory: Gate = {
  title: 'Memory against the previous version',
  find({ pairs }, settings) {
    const known = pairs.filter(
      ({ candidate, baseline }) => candidate.rssBytes * baseline.rssBytes > 0,
    );
    if (known.length === 0) {
      const sentence = 'no device has told its memory with both versions: nothing to compare';
      return { state: 'not-applicable', sentence, numbers: {} };
    }
    const changes = changesOf(known, changeOf);
    const rise = settings.maxMemoryRise;
    return (
      withoutEvidence(changes, known, settings) ??
      findChange(
        changes,
        { tolerated: Math.log1p(rise), prior: PRIOR, text: `at most ${(1 + rise).toFixed(2)} ×` },
        ({ before, now, devices }) =>
          `memory went from ${bytes(before)} to ${bytes(now)} on ${plural(devices.length, 'device')}`,
      )
    );
  },
};

/** One peak for each side: only the spread between devices says how sure it is. */
function changeOf(pair: DevicePair): Change {
  const { candidate, baseline } = pair;
  const [now, before] = [scaled(candidate.rssBytes), scaled(baseline.rssBytes)];
  const matched = smaller(pair, ({ inferences }) => inferences);
  return {
    matched,
    observed: candidate.inferences,
    change: now - before,
    sampling: 0,
    before,
    now,
  };
}

const scaled = (rss: number): number => Math.log(rss + SLACK_BYTES);

const bytes = (log: number): string =>
  `${Math.max(0, (Math.exp(log) - SLACK_BYTES) / MIB).toFixed(0)} MiB`;
