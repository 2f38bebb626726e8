import { type TSchema, Type } from 'typebox';

/** Parts of paths that routes share. */
export const FleetParams = Type.Object({
  fleet: Type.String({
    pattern: '^[a-z0-9-]{1,31}$',
    description: 'made of lower-case letters, digits and -, 31 at most',
  }),
});

/** Of routes that a fleet has, and the server as a whole. */
export const OptionalFleet = Type.Partial(FleetParams);

const ULID = '^[0-7][0-9a-hjkmnp-tv-z]{25}$';
export const Id = Type.String({
  pattern: ULID,
  description: 'an id of 26 characters, such as 01m7xy2hxsnss48p1c7zwvw5qy',
});

const NAME = 'made of lower-case letters, digits, . _ and -, 63 at most, a letter or digit first';
export const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$', description: NAME });
/** A model, or `_agent`: releases of the agent. */
export const ModelName = Type.String({
  pattern: '^(_agent|[a-z0-9][a-z0-9._-]{0,62})$',
  description: NAME,
});
export const Digest = Type.String({
  pattern: '^sha256:[0-9a-f]{64}$',
  description: 'sha256: and 64 hexadecimal digits',
});

export const FleetAnd = <T extends Record<string, TSchema>>(further: T) =>
  Type.Object({ ...FleetParams.properties, ...further });

/** Labels that people and devices choose. */
export const Label = Type.String({
  maxLength: 120,
  pattern: '^[^\\p{Cc}]*$',
  description: 'one line of text, 120 characters at most',
});
export const Tags = Type.Record(Name, Type.String({ maxLength: 120 }), { maxProperties: 64 });

export const SelectorText = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'such as site=lyon and memory >= 4GB',
});

/** Wall-clock milliseconds since 1970 UTC. */
export const Millis = Type.Integer({ minimum: 0 });

/** A JSON object whose inside is described elsewhere. */
export const Free = Type.Record(Type.String(), Type.Unknown());
