import { FlotillaError } from '@flotilla/protocol';
import { type TSchema, Type } from 'typebox';

const MAX_LIMIT = 500;

/** Query of every list. */
export const PageQuery = Type.Object({
  cursor: Type.Optional(Type.String({ maxLength: 200, description: 'of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: 100 })),
});

/** Answer of every list: `next` is the cursor of the next page, absent on the last. */
export const PageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });

export interface Page {
  /** Key of the last item seen; empty at the beginning. */
  readonly after: string;
  /** One more than is shown, which tells whether there is a next page. */
  readonly limit: number;
}

/** @throws FlotillaError `request.invalid` */
export function pageOf(query: { readonly cursor?: string; readonly limit?: number }): Page {
  const { cursor = '', limit = 100 } = query;
  const after = Buffer.from(cursor, 'base64url').toString('utf8');
  if (Buffer.from(after, 'utf8').toString('base64url') !== cursor) {
    throw new FlotillaError('request.invalid', { where: 'cursor', reason: 'is not one of ours' });
  }
  return { after, limit: limit + 1 };
}

/**
 * Key of the last item of a list that is numbered.
 *
 * @throws FlotillaError `request.invalid`
 */
export function numberAfter({ after }: Page): number {
  const number = Number(after);
  if (Number.isSafeInteger(number)) return number;
  throw new FlotillaError('request.invalid', { where: 'cursor', reason: 'is not one of ours' });
}

/** Cuts the surplus item off and names the next page where there is one. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  page: Page,
  keyOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): { items: Item[]; next?: string } {
  const shown = rows.slice(0, page.limit - 1);
  const last = shown.at(-1);
  const items = shown.map(toItem);
  if (rows.length < page.limit || last === undefined) return { items };
  return { items, next: Buffer.from(keyOf(last), 'utf8').toString('base64url') };
}
