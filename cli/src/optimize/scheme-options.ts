import type { SchemeRequest } from '@flotilla/converters';
import { CALIBRATION_METHODS } from '@flotilla/converters/methods';
import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import { names } from '../graph-options.ts';
import { readCount } from '../numbers.ts';

/** Options that fix what the search would choose. */
export interface SchemeOptions {
  readonly method?: string;
  readonly perTensor?: boolean;
  readonly symmetric?: boolean;
  readonly equalize?: boolean;
  readonly biasCorrection?: boolean;
  readonly rounding?: string;
  readonly float?: readonly string[];
  readonly blockSize?: string;
}

const ROUNDINGS = ['nearest', 'adaptive'] as const;
const BLOCK_SIZES = [16, 32, 64, 128] as const;

export function defineSchemeOptions(command: Command): void {
  command
    .option('--method <name>', `how samples become ranges: ${CALIBRATION_METHODS.join(', ')}`)
    .option('--per-tensor', 'one scale for a whole weight instead of one for each channel')
    .option('--symmetric', 'activations in ranges around zero')
    .option('--equalize', 'scale channels of neighboring layers to equal ranges first')
    .option('--no-equalize', 'leave them as they are')
    .option('--bias-correction', 'take the mean error of each channel out of its bias')
    .option('--no-bias-correction', 'leave biases as they are')
    .option('--rounding <how>', `of weights: ${ROUNDINGS.join(' or ')}`)
    .option('--float <nodes>', 'nodes that stay in floating point, by name', names)
    .option('--block-size <count>', `weights of one int4 scale: ${BLOCK_SIZES.join(', ')}`);
}

/**
 * What the options fix, or undefined where they leave all to the search.
 *
 * @throws FlotillaError `cli.usage`
 */
export function schemeRequest(options: SchemeOptions): SchemeRequest | undefined {
  const { method, perTensor, symmetric, equalize, biasCorrection, rounding, float, blockSize } =
    options;
  const request: SchemeRequest = {
    ...(method === undefined ? {} : { method: oneOf('--method', CALIBRATION_METHODS, method) }),
    ...(perTensor === undefined ? {} : { perChannel: !perTensor }),
    ...(symmetric === undefined ? {} : { symmetric }),
    ...(equalize === undefined ? {} : { equalize }),
    ...(biasCorrection === undefined ? {} : { biasCorrection }),
    ...(rounding === undefined ? {} : { rounding: oneOf('--rounding', ROUNDINGS, rounding) }),
    ...(float === undefined ? {} : { float }),
    ...(blockSize === undefined
      ? {}
      : { blockSize: oneOf('--block-size', BLOCK_SIZES, readCount('--block-size', blockSize)) }),
  };
  return Object.keys(request).length === 0 ? undefined : request;
}

function oneOf<T>(option: string, known: readonly T[], value: unknown): T {
  const found = known.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new FlotillaError('cli.usage', {
    reason: `${option} takes one of ${known.join(', ')}, not ${JSON.stringify(value)}`,
  });
}
