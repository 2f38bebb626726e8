import { readFile, stat } from 'node:fs/promises';
import { FlotillaError, PRECISIONS, type Precision } from '@flotilla/protocol';
import { isTargetId, type TargetId } from '@flotilla/targets';
import type { Latency } from '../result.ts';
import type { MeasuredOn } from '../verify/latency.ts';

/** Latencies that were measured on devices. */
export interface Measurements {
  /** Undefined where fp32 or the variant was not measured on this target. */
  of(target: TargetId, variant: Measured): Latency | undefined;
  /** Milliseconds that fp32 takes on a target, where it was measured. */
  fp32(target: TargetId): number | undefined;
  /** A line for each reason why rows were of no use so far. */
  complaints(): readonly string[];
}

/** What rows are found by. */
interface Measured {
  readonly digest: string;
  /** A row for one variant is one for all of its structure. */
  readonly structure: string;
  readonly precision: Precision;
}

interface Row {
  readonly target: TargetId | undefined;
  readonly digest: string | undefined;
  readonly precision: Precision | undefined;
  readonly p50: number;
  readonly measuredOn: MeasuredOn;
}

export const NO_MEASUREMENTS: Measurements = {
  of: () => undefined,
  fp32: () => undefined,
  complaints: () => [],
};

const MAX_BYTES = 2 ** 22;
const MAX_ROWS = 10_000;
const MAX_TEXT = 200;

/**
 * Reads what `flotilla bench --json` printed on a device:
 *
 *     {"models": [{"target": "raspberry-pi-5", "digest": "sha256:…", "precision": "int8",
 *                  "latencyMs": {"p50": 12.3, "measuredOn": {"cpu": "…", "provider": "cpu", "threads": 1}}}]}
 *
 * A row holds for the model file with its `digest`; a row with a `precision`, which a person may add
 * or write instead, for every variant in that precision that has no row of its own. `fp32` is the
 * source model or a row in that precision; without one nothing can be compared. A row without
 * `target` is of the only target asked for. Further fields are passed over.
 *
 * @param targets those asked for
 * @param source digest of the model as it came
 * @throws FlotillaError `convert.measurements-invalid` naming file and row
 */
export async function readMeasurements(
  file: string,
  targets: readonly TargetId[],
  source: string,
): Promise<Measurements> {
  const fail = (reason: string): never => {
    throw new FlotillaError('convert.measurements-invalid', { file, reason });
  };
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile()) return fail('there is no such file');
  if (found.size > MAX_BYTES) return fail(`it is larger than ${MAX_BYTES} B`);
  const rows = rowsOf(await readFile(file, 'utf8'), fail);
  const parsed = rows.map((row, index) => {
    const refuse = (reason: string): never => fail(`row ${index + 1} ${reason}`);
    const { target = targets.length === 1 ? targets[0] : undefined, ...rest } = rowOf(row, refuse);
    if (target === undefined) return refuse('names no target, and several are asked for');
    return { ...rest, target };
  });
  return measurementsOf(parsed, targets, source);
}

function measurementsOf(
  rows: readonly Row[],
  targets: readonly TargetId[],
  source: string,
): Measurements {
  const used = new Set<Row>();
  const twins = new Map<string, Row>();
  const take = (row: Row | undefined): Row | undefined => {
    if (row !== undefined) used.add(row);
    return row;
  };
  const byDigest = (target: TargetId, wanted: string): Row | undefined => {
    // One model may lie in several bundles, each with its row: the first counts.
    const own = rows.filter((row) => row.target === target && row.digest === wanted);
    return own.map(take)[0];
  };
  const byPrecision = (target: TargetId, kind: Precision): Row | undefined =>
    take(rows.find((row) => row.target === target && row.precision === kind));
  const fp32On = (target: TargetId): Row | undefined =>
    byDigest(target, source) ?? byPrecision(target, 'fp32');
  return {
    of(target, { digest, structure, precision }) {
      const fp32 = fp32On(target);
      const twin = `${target} ${structure}`;
      const own = byDigest(target, digest) ?? twins.get(twin);
      if (own !== undefined) twins.set(twin, own);
      const variant = own ?? byPrecision(target, precision);
      if (fp32 === undefined || variant === undefined) return undefined;
      return { fp32: fp32.p50, variant: variant.p50, measuredOn: variant.measuredOn };
    },
    fp32: (target) => fp32On(target)?.p50,
    complaints: () => [
      ...targets.flatMap((target) => complaintsOn(target, rows, fp32On(target))),
      ...unusedRows(rows, targets, used),
    ],
  };
}

function complaintsOn(target: TargetId, rows: readonly Row[], fp32: Row | undefined): string[] {
  const others = [...new Set(rows.map((row) => row.target))].join(', ');
  if (!rows.some((row) => row.target === target)) {
    return [`no measurement is of ${target}, only of ${others}: its latencies are not imported`];
  }
  if (fp32 !== undefined) return [];
  return [
    `no measurement of ${target} is of fp32: add a row with the digest of the source model, or with the precision fp32, to compare with`,
  ];
}

function unusedRows(
  rows: readonly Row[],
  targets: readonly TargetId[],
  used: ReadonlySet<Row>,
): string[] {
  const isUnused = (row: Row): boolean =>
    !used.has(row) && targets.some((target) => target === row.target);
  const unused = rows.flatMap((row, i) => (isUnused(row) ? [i + 1] : []));
  if (unused.length === 0) return [];
  const rest = unused.length > 10 ? ` and ${unused.length - 10} more` : '';
  return [`measurements of no model that was tried: row ${unused.slice(0, 10).join(', ')}${rest}`];
}

function rowsOf(text: string, fail: (reason: string) => never): readonly unknown[] {
  const parsed = parseJson(text) ?? fail('it is not JSON');
  const rows = objectOf(parsed).models;
  if (!Array.isArray(rows)) return fail('it has no list "models"');
  if (rows.length === 0) return fail('its list "models" is empty');
  return rows.length > MAX_ROWS ? fail(`it has more than ${MAX_ROWS} rows`) : rows;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rowOf(value: unknown, refuse: (reason: string) => never): Row {
  const { target, digest, precision, latencyMs } = objectOf(value);
  const { p50, measuredOn } = objectOf(latencyMs);
  if (typeof p50 !== 'number' || !(p50 > 0 && p50 < 1e9)) {
    return refuse('has no latencyMs.p50 in milliseconds');
  }
  const { cpu, provider, threads } = objectOf(measuredOn);
  if (textOf(digest) === undefined && precision === undefined) {
    return refuse('has neither the digest of a model nor a precision');
  }
  return {
    target: target === undefined ? undefined : knownTarget(target, refuse),
    digest: textOf(digest),
    precision: precision === undefined ? undefined : knownPrecision(precision, refuse),
    p50,
    measuredOn: {
      cpu: textOf(cpu) ?? 'a device',
      provider: textOf(provider) ?? 'cpu',
      threads: typeof threads === 'number' ? threads : 1,
    },
  };
}

function knownTarget(value: unknown, refuse: (reason: string) => never): TargetId {
  const name = textOf(value) ?? '';
  return isTargetId(name) ? name : refuse(`has the unknown target ${JSON.stringify(name)}`);
}

function knownPrecision(value: unknown, refuse: (reason: string) => never): Precision {
  const found = PRECISIONS.find((precision) => precision === value);
  return found ?? refuse(`has no precision of ${PRECISIONS.join(', ')}`);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
