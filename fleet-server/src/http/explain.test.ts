import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { type TSchema, Type } from 'typebox';
import { expect, it } from 'vitest';
import { RolloutRequest } from '../rollouts/settings.ts';
import { explain, type Refusal } from './explain.ts';
import { PageQuery } from './page.ts';
import { Name, SelectorText } from './schemas.ts';

function reasonOf(schema: TSchema, value: unknown): string {
  const validate = TypeBoxValidatorCompiler({
    ...{ schema, httpPart: 'body', method: 'POST', url: '/' },
  });
  const { error } = validate(value) as unknown as { error: Refusal[] };
  return explain(error[0]!, schema, value).reason;
}

it.each([
  [{ approval: 'always' }, 'approval is one of none, start, each, not "always"'],
  [{ kind: 'canary' }, 'kind is one of update, shadow, ab, not "canary"'],
  [{ download: { metered: 'no' } }, 'one of allow, delta-only, wait, not "no"'],
  [{ raet: { perMinute: 1 } }, 'there is no key raet; did you mean rate?'],
  [
    { gates: { maxLatencyRize: 1 } },
    'gates has no key maxLatencyRize; did you mean maxLatencyRise?',
  ],
  [{ ab: { xyz: 1 } }, 'ab has no key xyz; there are sharePercent, maxHours'],
  [{ priority: 11 }, 'priority is a whole number from 0 to 9, not 11'],
  [{ version: 1.5 }, 'version is a whole number from 1 to 2147483647, not 1.5'],
  [{ gates: { alpha: 'x' } }, 'gates.alpha is a number from 1e-12 to 0.5, not "x"'],
  [{ deadlineMs: 0 }, 'deadlineMs is a time from 1 ms to 90 d, in milliseconds, not 0'],
  [{ waves: [5] }, 'waves.0 is text of at most 12 characters, not 5'],
  [{ stratify: ['a', 'b', 'c', 'd', 'e'] }, 'stratify is a list of at most 4 items, not ['],
  [{ dynamic: 'no' }, 'dynamic is true or false, not "no"'],
  [{ rate: {} }, 'rate.perMinute is missing'],
  [{ model: undefined }, 'model is missing'],
  [
    { maintenance: [{ from: '25:00', to: '03:00' }] },
    'maintenance.0.from is HH:MM from 00:00 to 23:59, not "25:00"',
  ],
])('says of %j what is wrong and what is allowed', (wrong, reason) => {
  const body = JSON.parse(JSON.stringify({ model: 'parts', version: 1, ...wrong }));
  expect(reasonOf(RolloutRequest, body)).toContain(reason);
});

it('says it of names, of what is empty, and in the parts of a query', () => {
  const query = Type.Intersect([
    PageQuery,
    Type.Object({ name: Type.Optional(Name), selector: Type.Optional(SelectorText) }),
  ]);
  expect(reasonOf(query, { name: 'bad name' })).toBe(
    'name is made of lower-case letters, digits, . _ and -, 63 at most, a letter or digit first, not "bad name"',
  );
  expect(reasonOf(query, { selector: '' })).toBe(
    'selector is text of 1 to 1000 characters such as site=lyon and memory >= 4GB, not empty',
  );
  expect(reasonOf(query, { limit: 9999 })).toBe('limit is a whole number from 1 to 500, not 9999');
});
