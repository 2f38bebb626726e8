import type { GraphRequest } from '@flotilla/converters';
import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import { readCount } from './numbers.ts';

/** Options of commands that rewrite a graph. */
export interface GraphOptions {
  readonly passes?: readonly string[];
  readonly keep?: readonly string[];
  readonly fixShape?: readonly string[];
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
}

export function defineGraphOptions(command: Command): void {
  command
    .option('--passes <names>', 'passes that run; -name leaves one out of all', names)
    .option('--keep <names>', 'nodes and values that no pass removes or rewrites', names)
    .option('--fix-shape <sizes>', 'sizes, as batch=1 or image=1x3x224x224', names)
    .option('--inputs <values>', 'cut the model: values that become its inputs', names)
    .option('--outputs <values>', 'cut the model: values that become its outputs', names);
}

/**
 * What the options ask of a conversion; nothing for what was not given.
 *
 * @throws FlotillaError `cli.usage`
 */
export function graphRequest(options: GraphOptions): GraphRequest {
  const { passes, keep, fixShape, inputs, outputs } = options;
  const cut = { ...(inputs && { inputs }), ...(outputs && { outputs }) };
  return {
    ...(passes && { passes }),
    ...(keep && { keep }),
    ...(fixShape && { fixShape: readShapes(fixShape) }),
    ...(inputs || outputs ? { cut } : {}),
  };
}

/**
 * `batch=1` fixes a size known by name, `image=1x3x224x224` a whole input.
 *
 * @throws FlotillaError `cli.usage`
 */
export function readShapes(texts: readonly string[]): Record<string, readonly number[] | number> {
  const entries = texts.map((text) => {
    const at = text.lastIndexOf('=');
    const [name, sizes] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1 || sizes === '') {
      const reason = `--fix-shape takes name=size or name=1x3x224x224, not ${JSON.stringify(text)}`;
      throw new FlotillaError('cli.usage', { reason });
    }
    const dims = sizes.split('x').map((size) => readCount('--fix-shape', size));
    return [name, sizes.includes('x') ? dims : dims[0]!] as const;
  });
  return Object.fromEntries(entries);
}

/** Collects names separated by commas, of one option or of several. */
export function names(text: string, before: readonly string[] = []): readonly string[] {
  const found = text.split(',').map((name) => name.trim());
  return [...before, ...found.filter((name) => name !== '')];
}
