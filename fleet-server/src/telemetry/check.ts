import { LogHistogram, Moments } from '@flotilla/model';
import type { Window } from '@flotilla/protocol';
import { isCount, MAX_CLASSES, MAX_NAME, unreadable, wrongCounts } from './claims.ts';
import { comparisonFault } from './comparison.ts';

const MAX_FEATURES = 256;
const MAX_BINS = 256;
const MAX_LENGTH_MS = 86_400_000;
/** A device whose clock runs ahead by more than this has none worth the name. */
const MAX_AHEAD_MS = 86_400_000;
/** Of every latency sketch: only sketches of the same error merge. */
const ALPHA = 0.02;
/** By which a mean may pass its values. */
const ROUNDING = 1e-6;

type Rule = (window: Window, receivedMs: number) => string | false;

const RULES: readonly Rule[] = [
  ({ lengthMs }) =>
    !(Number.isSafeInteger(lengthMs) && lengthMs > 0 && lengthMs <= MAX_LENGTH_MS) &&
    `its length is ${lengthMs} ms`,
  ({ startMs, lengthMs }) =>
    !(Number.isSafeInteger(startMs) && startMs >= 0 && startMs % lengthMs === 0) &&
    `its start ${startMs} is no multiple of its length`,
  ({ startMs }, receivedMs) => startMs > receivedMs + MAX_AHEAD_MS && 'it lies in the future',
  ({ inferences, errors }) =>
    !([inferences, errors].every(isCount) && errors <= inferences) && 'its counts are wrong',
  ({ labeled, correct }) =>
    !([labeled, correct].every(isCount) && correct <= labeled) && 'its labels are wrong',
  ({ classCounts }) => wrongCounts('classes', classCounts, MAX_CLASSES),
  ({ confidenceBins }) => wrongCounts('confidence bins', confidenceBins, MAX_BINS),
  ({ latencyUs }) =>
    latencyUs?.alpha !== undefined &&
    latencyUs.alpha !== ALPHA &&
    `its latency sketch has an error of ${latencyUs.alpha}, not ${ALPHA}`,
  ({ latencyUs }) =>
    latencyUs?.alpha !== undefined && unreadable(() => LogHistogram.fromWire(latencyUs)),
  ({ confidence }) =>
    confidence?.count !== undefined && unreadable(() => Moments.fromWire(confidence)),
  ({ confidence }) =>
    confidence?.count !== undefined &&
    (confidence.min < 0 ||
      confidence.max > 1 ||
      confidence.mean < 0 ||
      confidence.mean > 1 + ROUNDING ||
      confidence.m2 > confidence.count) &&
    'its confidence is no probability',
  ({ features }) => features.length > MAX_FEATURES && `it has ${features.length} features`,
  ({ features }) => first(features, ({ name }) => name.length > MAX_NAME && 'a name is too long'),
  ({ features }) => first(features, ({ counts }) => wrongCounts('bins', counts, MAX_BINS)),
  ({ features }) =>
    first(
      features,
      ({ moments }) => moments?.count !== undefined && unreadable(() => Moments.fromWire(moments)),
    ),
  ({ drift }) => drift.length > MAX_FEATURES && `it has ${drift.length} drift verdicts`,
  ({ drift }) =>
    drift.some(({ name, statistic }) => name.length > MAX_NAME || !Number.isFinite(statistic)) &&
    'a drift verdict is wrong',
  ({ resources }) =>
    resources?.rssBytes !== undefined &&
    ![resources.rssBytes, resources.cpuMs, resources.bytesWritten].every(Number.isSafeInteger) &&
    'its resources are wrong',
  ({ resources }) =>
    resources?.temperatureC !== undefined &&
    !Number.isFinite(resources.temperatureC) &&
    'its temperature is wrong',
  ({ comparison }) => comparisonFault(comparison),
  ({ comparison, role }) => !!comparison && role !== 'ROLE_SHADOW' && 'only a shadow is compared',
];

/**
 * Why a window from a device cannot be taken in, in a few words; undefined where it can. Everything
 * in it is the device's claim: sizes, counts and numbers are checked before anything is merged.
 */
export function findFault(window: Window, receivedMs: number): string | undefined {
  for (const rule of RULES) {
    const fault = rule(window, receivedMs);
    if (fault !== false) return fault;
  }
  return undefined;
}

function first<T>(items: readonly T[], judge: (item: T) => string | false): string | false {
  for (const item of items) {
    const fault = judge(item);
    if (fault !== false) return fault;
  }
  return false;
}
