import { usage } from './row.ts';

/** The command line. */
export const CLI_ERRORS = {
  'cli.usage': usage((c: { reason: string }) => `${c.reason}; see --help`),
} as const;
