/**
 * What the launcher starts: the one file that agent and launcher both write, never at the same time,
 * for the launcher writes while no agent runs. It is replaced whole (`replaceFile`).
 */

/** Of the data folder. */
export const RELEASE_FOLDER = 'agent';
export const LAUNCH_FILE = `${RELEASE_FOLDER}/launch.json`;
/** Raised when an older launcher could not read the file. */
const FORMAT = 1;

/** Where an agent lies: as it was installed, or in one of two folders of the data folder. */
export const PLACES = ['installed', 'a', 'b'] as const;
export type Place = (typeof PLACES)[number];

export interface Trial {
  readonly place: Place;
  /** What it is tried for: the pair (deployment, attempt), or a removal. */
  readonly id: string;
  /** Starts that did not end in a clean stop. */
  readonly starts: number;
  /** Time for the new agent to come up in, and to be committed in from each start, ms. */
  readonly upMs: number;
  readonly commitMs: number;
  /** Slots that served when it began. */
  readonly serving: readonly string[];
}

export interface Failure {
  readonly id: string;
  readonly code: string;
  /** One line for a person. */
  readonly detail: string;
}

export interface LaunchState {
  readonly format: typeof FORMAT;
  /** The agent that is proven. */
  readonly active: Place;
  /** The agent that is started instead until it is committed. */
  readonly trial?: Trial;
  /** How the last trial ended that was no success. */
  readonly failed?: Failure;
}

/** Starts of a new agent that may end badly before the older one comes back. */
export const MAX_UNCLEAN_STARTS = 3;

/** Exit code of an agent that asks the launcher to look at the file again (sysexits.h: EX_TEMPFAIL). */
export const EXIT_RELAUNCH = 75;

/** What a launcher tells the agent that it starts, in its environment. */
export const PLACE_VARIABLE = 'FLOTILLA_AGENT_PLACE';
export const TRIAL_VARIABLE = 'FLOTILLA_AGENT_TRIAL';

export const INSTALLED: LaunchState = { format: FORMAT, active: 'installed' };

/**
 * Where the next release goes: neither what runs nor what is proven, which are two where the proven
 * agent cannot be started, nor what was installed.
 */
export const freePlace = (running: Place, { active }: Pick<LaunchState, 'active'>): Place =>
  running === 'a' || active === 'a' ? 'b' : 'a';

export const beginTrial = ({ active, format }: LaunchState, trial: Trial): LaunchState => ({
  format,
  active,
  trial,
});

export const commitTrial = ({ format, active, trial }: LaunchState): LaunchState => ({
  format,
  active: trial?.place ?? active,
});

/** What is started where nothing can be tried. */
export const provenOf = ({ format, active }: LaunchState): LaunchState => ({ format, active });

export function failTrial({ format, active, trial }: LaunchState, why: Omit<Failure, 'id'>) {
  const failed = trial && { failed: { id: trial.id, ...why } };
  return { format, active, ...failed } satisfies LaunchState;
}

/** Counts a start of the trial, or takes one back after a clean stop. */
export function countStart(state: LaunchState, by: 1 | -1): LaunchState {
  const { trial } = state;
  if (trial === undefined) return state;
  return { ...state, trial: { ...trial, starts: Math.max(0, trial.starts + by) } };
}

export const encodeLaunchState = (state: LaunchState): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(state));

/** Undefined where the file is damaged or of a later format: then the installed agent is started. */
export function readLaunchState(bytes: Uint8Array | undefined): LaunchState | undefined {
  if (bytes === undefined) return INSTALLED;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isLaunchState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isLaunchState(value: unknown): value is LaunchState {
  if (!isObject(value) || value.format !== FORMAT || !isPlace(value.active)) return false;
  const { trial, failed } = value;
  return (
    (trial === undefined || isTrial(trial)) &&
    (failed === undefined || (isObject(failed) && areTexts(failed.id, failed.code, failed.detail)))
  );
}

function isTrial(value: unknown): boolean {
  if (!isObject(value) || !isPlace(value.place)) return false;
  const { id, starts, upMs, commitMs, serving } = value;
  return (
    areTexts(id) &&
    [starts, upMs, commitMs].every((count) => Number.isSafeInteger(count) && Number(count) >= 0) &&
    Array.isArray(serving) &&
    areTexts(...serving)
  );
}

const isPlace = (value: unknown): boolean => PLACES.some((place) => place === value);
const areTexts = (...values: readonly unknown[]): boolean =>
  values.every((value) => typeof value === 'string');

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
