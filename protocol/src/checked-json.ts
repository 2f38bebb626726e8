import type { Static, TSchema } from 'typebox';
import Value from 'typebox/value';
import { FlotillaError } from './error.ts';
import { readJson } from './json.ts';

/**
 * JSON of a bundle's manifest or config, checked against its schema.
 *
 * @throws FlotillaError `bundle.invalid`
 */
export function parseChecked<T extends TSchema>(
  schema: T,
  bytes: Uint8Array,
  { where, maxBytes }: { readonly where: string; readonly maxBytes: number },
): Static<T> {
  const json = readJson(bytes, { maxBytes });
  if (!json.ok) throw new FlotillaError('bundle.invalid', { where, reason: json.reason });
  if (Value.Check(schema, json.value)) return json.value;
  const [first] = Value.Errors(schema, json.value);
  const reason = `${first?.instancePath || '/'} ${first?.message ?? 'is wrong'}`;
  throw new FlotillaError('bundle.invalid', { where, reason });
}
