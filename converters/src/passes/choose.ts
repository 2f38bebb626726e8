import { FlotillaError } from '@flotilla/protocol';
import type { Pass } from './pass.ts';

/**
 * The passes that `names` choose, in the order of `all`: those named, with
 * those that others cannot do without, or, where names begin with `-`, all but those named so.
 *
 * @throws FlotillaError `pass.unknown` naming those there are
 */
export function choosePasses(all: readonly Pass[], names: readonly string[] = []): readonly Pass[] {
  const left = new Set(names.filter((name) => name.startsWith('-')).map((name) => name.slice(1)));
  const wanted = new Set(names.filter((name) => !name.startsWith('-')));
  const known = new Set(all.map((pass) => pass.name));
  const unknown = [...wanted, ...left].find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new FlotillaError('pass.unknown', { pass: unknown, known: [...known].join(', ') });
  }
  const wants = ({ name, always }: Pass) => wanted.size === 0 || wanted.has(name) || always;
  return all.filter((pass) => !left.has(pass.name) && wants(pass));
}
