import { FlotillaError } from '@flotilla/protocol';

/** @param reason goes on from the place, which is cut to a line */
export const bad = (where: string, reason: string) =>
  new FlotillaError('infer.bad-request', { where: where.slice(0, 120), reason });
