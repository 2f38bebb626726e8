import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { ALL_FLEETS } from '../trust/user-tokens.ts';
import { chunks } from './store.ts';

const ACTOR = /\btoken:([0-7][0-9a-hjkmnp-tv-z]{25})\b/g;
/** Of a token's id, beside its label. */
const SHOWN_CHARS = 8;

/** Sentences that call the token of whoever did it by its label, where it has one. */
export async function withLabels<T extends { readonly sentence: string }>(
  db: Kysely<Database>,
  fleet: string,
  items: readonly T[],
): Promise<T[]> {
  const tokens = new Set(
    items.flatMap(({ sentence }) => [...sentence.matchAll(ACTOR)].map(([, token = '']) => token)),
  );
  const labels = await labelsOf(db, fleet, [...tokens]);
  const named = (whole: string, token: string) => {
    const label = labels.get(token);
    return label === undefined ? whole : `${label} (token ${token.slice(0, SHOWN_CHARS)}…)`;
  };
  return items.map((item) => ({ ...item, sentence: item.sentence.replace(ACTOR, named) }));
}

async function labelsOf(db: Kysely<Database>, fleet: string, tokens: readonly string[]) {
  const labels = new Map<string, string>();
  for (const some of chunks(tokens, 400)) {
    const rows = await db
      .selectFrom('user_tokens')
      .select(['token', 'label'])
      .where('fleet', 'in', [fleet, ALL_FLEETS])
      .where('token', 'in', some)
      .where('label', '!=', '')
      .execute();
    for (const { token, label } of rows) labels.set(token, label);
  }
  return labels;
}
