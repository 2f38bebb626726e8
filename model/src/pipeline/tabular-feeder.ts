import type { FeaturesInput } from '../spec/types.ts';
import type { TensorInfo } from '../tensor.ts';
import { checkTensor, tensorError } from '../tensors.ts';
import { type Feeder, isTensor, type Raw } from './feed.ts';
import { numbersOf, tensorOf } from './numbers.ts';
import { meanOf } from './statistics.ts';

/** Largest JSON row that is read. */
const MAX_JSON_BYTES = 1 << 20;
/** Named features that drift is judged by; further ones would only swell telemetry. */
const MAX_WATCHED = 64;

/**
 * Feeds rows of named numbers. Takes a tensor [features] or [batch, features], or a JSON object
 * from name to number, or a JSON list of numbers in the order of the names.
 */
export function tabularFeeder(
  info: TensorInfo,
  input: FeaturesInput,
  mismatch: (reason: string) => never,
): Feeder {
  const width = input.names.length;
  const declared = info.shape.at(-1) ?? 1;
  if (declared !== -1 && declared !== width) {
    mismatch(`names ${width} features but the model takes [${info.shape}]`);
  }
  return {
    fromCaller: true,
    async feed(raw) {
      const values = valuesOf(info.name, input, raw);
      const batch = values.length / width;
      if (!Number.isInteger(batch) || batch === 0) {
        const reason = `needs rows of ${width} numbers but has ${values.length} in all`;
        throw tensorError(info.name, reason);
      }
      const normalized = values.map(
        (value, i) => (value - input.mean[i % width]!) / input.std[i % width]!,
      );
      if (info.type.includes('INT') && !normalized.every(Number.isFinite)) {
        throw tensorError(info.name, `takes ${info.type} but holds a number that is not finite`);
      }
      const shape = info.shape.length === 1 ? [width] : [batch, width];
      return {
        tensor: tensorOf(normalized, shape, info.type),
        features: watched(info.name, input.names, values),
      };
    },
  };
}

function valuesOf(name: string, input: FeaturesInput, raw: Raw): Float64Array {
  if (isTensor(raw)) {
    checkTensor(name, raw);
    return Float64Array.from(numbersOf(raw));
  }
  const value = parseJson(name, raw);
  const row = Array.isArray(value)
    ? value
    : input.names.map((key) => (value as Record<string, unknown> | null)?.[key]);
  const missing = row.findIndex((cell) => typeof cell !== 'number' || !Number.isFinite(cell));
  if (missing !== -1) {
    throw tensorError(name, `has no number for ${input.names[missing] ?? missing}`);
  }
  return Float64Array.from(row as number[]);
}

function parseJson(name: string, bytes: Uint8Array): unknown {
  if (bytes.length > MAX_JSON_BYTES) {
    throw tensorError(name, `is larger than ${MAX_JSON_BYTES} bytes`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw tensorError(name, 'is not JSON');
  }
}

function watched(
  input: string,
  names: readonly string[],
  values: Float64Array,
): Record<string, number> {
  const rows: Record<string, number>[] = [];
  for (let start = 0; start < values.length; start += names.length) {
    const entries = names
      .slice(0, MAX_WATCHED)
      .map((name, i) => [`${input}.${name}`, values[start + i]!] as const);
    rows.push(Object.fromEntries(entries));
  }
  return meanOf(rows);
}
