import { refused } from './row.ts';

/** The fleet server and its API. */
export const SERVER_ERRORS = {
  'server.not-found': refused(
    404,
    (c: { what: string; id: string }) => `there is no ${c.what} ${c.id} in this fleet`,
  ),
} as const;
