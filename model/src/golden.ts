import { FlotillaError } from '@flotilla/protocol';
import { fromSafetensors, toSafetensors } from './safetensors.ts';
import type { Tensor, Tensors } from './tensor.ts';

/** Inputs and what the model answered to them where it was made: the device's self-test. */
export interface Golden {
  readonly inputs: readonly Tensors[];
  readonly outputs: readonly Tensors[];
  readonly tolerance: Tolerance;
}

/** An element passes where |actual − expected| ≤ absolute + relative · |expected|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

const MAX_SAMPLES = 1000;
const KEY = /^(input|output)\/(\d{1,4})\/(.+)$/s;

/**
 * Golden inputs and outputs as a safetensors file, which other tools read too: tensors
 * `input/SAMPLE/NAME` and `output/SAMPLE/NAME`. Same content, same bytes.
 */
export function encodeGolden(golden: Golden): Uint8Array {
  const { inputs, outputs, tolerance } = golden;
  const tensors: [string, Tensor][] = [];
  for (const [sample, feeds] of inputs.entries()) {
    for (const name of Object.keys(feeds).sort()) {
      tensors.push([`input/${sample}/${name}`, feeds[name]!]);
    }
    const results = outputs[sample] ?? {};
    for (const name of Object.keys(results).sort()) {
      tensors.push([`output/${sample}/${name}`, results[name]!]);
    }
  }
  return toSafetensors(tensors, {
    format: 'flotilla-golden-1',
    samples: String(inputs.length),
    absolute: String(tolerance.absolute),
    relative: String(tolerance.relative),
  });
}

/** @throws FlotillaError `golden.invalid` */
export function decodeGolden(bytes: Uint8Array): Golden {
  const fail = (reason: string): never => {
    throw new FlotillaError('golden.invalid', { reason });
  };
  const { tensors, metadata } = fromSafetensors(bytes, fail);
  if (metadata.format !== 'flotilla-golden-1') fail(`format ${metadata.format ?? 'is missing'}`);
  const samples = Number(metadata.samples);
  if (!Number.isInteger(samples) || samples < 0 || samples > MAX_SAMPLES) fail('samples is wrong');
  const inputs = Array.from({ length: samples }, (): Record<string, Tensor> => ({}));
  const outputs = Array.from({ length: samples }, (): Record<string, Tensor> => ({}));
  for (const [key, tensor] of tensors) {
    const [, side, sample, name] = KEY.exec(key) ?? fail(`unknown tensor ${key.slice(0, 80)}`);
    const row = (side === 'input' ? inputs : outputs)[Number(sample)] ?? fail('sample too high');
    Object.defineProperty(row, name!, { value: tensor, enumerable: true, configurable: true });
  }
  return { inputs, outputs, tolerance: tolerance(metadata, fail) };
}

function tolerance(
  metadata: Readonly<Record<string, string>>,
  fail: (reason: string) => never,
): Tolerance {
  const absolute = Number(metadata.absolute);
  const relative = Number(metadata.relative);
  if (!(absolute >= 0 && relative >= 0)) fail('tolerance is wrong');
  return { absolute, relative };
}
