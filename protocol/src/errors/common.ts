import { refused, usage } from './row.ts';

/** Faults that any part can meet. */
export const COMMON_ERRORS = {
  'internal.unexpected': refused(
    500,
    (c: { reason: string }) =>
      `unexpected failure: ${c.reason}; this is a defect, please report it with the log`,
  ),
  'message.malformed': refused(
    400,
    (c: { message: string; reason: string }) =>
      `a ${c.message} message could not be read (${c.reason}): the sender speaks another protocol version`,
  ),
  'topic.invalid': refused(
    400,
    (c: { topic: string; reason: string }) => `topic ${c.topic} is not one of ours: ${c.reason}`,
  ),
  'name.invalid': usage(
    (c: { what: string; name: string }) =>
      `${c.what} ${JSON.stringify(c.name)} is not allowed: use 1 to 63 of a-z, 0-9, '.', '_' and '-', with a letter or digit first`,
  ),
} as const;
