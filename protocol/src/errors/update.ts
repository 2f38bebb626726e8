import { refused, transient, usage } from './row.ts';

/** Releases of the agent, and what starts them. */
export const UPDATE_ERRORS = {
  'launch.in-use': usage(
    (c: { data: string }) => `a launcher runs on ${c.data} already: stop that one first`,
  ),
  'release.invalid': usage(
    (c: { file: string; reason: string }) =>
      `${c.file} is no package of the agent (${c.reason}): make one with npm run build:agent`,
  ),
  'update.check-failed': refused(
    422,
    (c: { place: string; reason: string }) =>
      `the new agent does not work on this device (${c.reason}): build its release again`,
  ),
  'update.crashed': refused(
    500,
    (c: { starts: number; how: string }) =>
      `the new agent ended ${c.starts} times before it was proven, the last time with ${c.how}: look at the log of the device`,
  ),
  'update.no-launcher': refused(
    409,
    (c: { reason: string }) =>
      `this agent cannot be replaced: ${c.reason}; start it with flotilla-agent launch`,
  ),
  'update.not-committed': transient(
    504,
    (c: { seconds: number }) =>
      `the new agent did not reach its server and prove itself within ${c.seconds} s: try again when the device is connected`,
  ),
  'update.not-on-trial': refused(
    409,
    (c: { place: string }) =>
      `the agent that runs (${c.place}) is not the one on trial: start it with flotilla-agent launch`,
  ),
  'update.not-removed': refused(
    500,
    (c: { reason: string }) =>
      `the agent that was installed first does not come back (${c.reason}): roll another release out`,
  ),
  'update.not-started': refused(
    500,
    (c: { place: string; reason: string }) =>
      `the agent in ${c.place} cannot be started (${c.reason})`,
  ),
  'update.not-up': refused(
    504,
    (c: { seconds: number }) =>
      `the new agent did not report healthy within ${c.seconds} s: look at the log of the device`,
  ),
  'update.slots-lost': refused(
    500,
    (c: { slots: string }) => `models that ran before do not run under the new agent: ${c.slots}`,
  ),
} as const;
