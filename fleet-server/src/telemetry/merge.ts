import { LogHistogram } from '@flotilla/model';
import { decode, encode, type Resources, type Window } from '@flotilla/protocol';
import { mergeComparisons } from './comparison.ts';
import { mergeMoments } from './moments.ts';

/**
 * A window as bytes: the protocol's own encoding, in the one message that can carry it alone. In
 * memory of its own, since the encoder hands out parts of a pool, and a message to the database's
 * thread would copy the whole pool for each.
 */
export const packWindow = (window: Window): Uint8Array =>
  new Uint8Array(encode('Record', { window }));

/** @throws FlotillaError `message.malformed` */
export function unpackWindow(body: Uint8Array): Window {
  const { window } = decode('Record', body);
  return window ?? emptyWindow();
}

/** A window in which nothing happened: where merging begins. */
export function emptyWindow(): Window {
  return {
    slot: '',
    deployment: '',
    digest: '',
    role: 'ROLE_ACTIVE',
    startMs: 0,
    lengthMs: 0,
    inferences: 0,
    errors: 0,
    classCounts: [],
    confidenceBins: [],
    features: [],
    profileDigest: '',
    drift: [],
    model: '',
    version: 0,
    labeled: 0,
    correct: 0,
    comparison: null,
  };
}

/**
 * Two windows as one: sketches merge exactly, so the order does not matter and nothing is lost.
 * Features are left out, for they only merge within one reference profile (see `drift/`). The
 * result keeps the labels of `a`.
 */
export function mergeWindows(a: Window, b: Window): Window {
  return {
    ...a,
    inferences: a.inferences + b.inferences,
    errors: a.errors + b.errors,
    latencyUs: mergeLatency(a, b),
    classCounts: addCounts(a.classCounts, b.classCounts),
    confidence: mergeMoments(a.confidence, b.confidence),
    confidenceBins: addCounts(a.confidenceBins, b.confidenceBins),
    labeled: a.labeled + b.labeled,
    correct: a.correct + b.correct,
    comparison: mergeComparisons(a.comparison, b.comparison),
    resources: mergeResources(a.resources, b.resources),
    features: [],
    profileDigest: '',
    drift: [],
  };
}

/** Sum by place; a list that ends earlier counts 0 from there. */
export function addCounts(a: readonly number[], b: readonly number[]): number[] {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  return long.map((count, i) => count + (short[i] ?? 0));
}

function mergeLatency({ latencyUs: a }: Window, { latencyUs: b }: Window) {
  if (!a || !b) return a ?? b ?? null;
  const sketch = LogHistogram.fromWire(a);
  sketch.merge(LogHistogram.fromWire(b));
  return sketch.toWire();
}

/** Peaks of memory and temperature, sums of work. */
function mergeResources(
  a: Resources | null | undefined,
  b: Resources | null | undefined,
): Resources | null {
  if (!a || !b) return a ?? b ?? null;
  return {
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    cpuMs: a.cpuMs + b.cpuMs,
    temperatureC: Math.max(a.temperatureC, b.temperatureC),
    throttled: a.throttled || b.throttled,
    bytesWritten: a.bytesWritten + b.bytesWritten,
  };
}

/** Quantile of a window's latency in milliseconds, 0 where none was measured. */
export function latencyMs({ latencyUs }: Window, q: number): number {
  return latencyUs ? (LogHistogram.fromWire(latencyUs).quantile(q) ?? 0) / 1000 : 0;
}
