import type { Settings } from './config.ts';
import type { Live } from './ui/live.ts';
import type { Progress } from './ui/progress.ts';

/** What a command gets from `main`. */
export interface Context {
  readonly settings: Settings;
  /** The environment, for settings that another package reads by its own schema. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes a line for a person; silent with `--json`. */
  say(text?: string): void;
  /** Writes the one JSON document of `--json`. */
  json(value: unknown): void;
  /** Characters in a line of the terminal; no limit where there is none, so that a pipe gets all. */
  readonly columns: number;
  /** Progress on the terminal, nothing where there is none. */
  progress(): Progress;
  /** A picture on the terminal; undefined where there is none, or with `--json`. */
  live(): Live | undefined;
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal;
}
