import { refused } from './row.ts';

/** Rollouts, the lab, selectors, and what devices report about deployments. */
export const ROLLOUT_ERRORS = {
  'group.exists': refused(
    409,
    (c: { group: string }) =>
      `there is a group ${c.group} already: give another name, or change that one`,
  ),
  'group.in-use': refused(
    409,
    (c: { group: string; by: string }) =>
      `group ${c.group} cannot be deleted: ${c.by} uses it; end or change that first`,
  ),
  'group.invalid': refused(
    400,
    (c: { group: string; reason: string }) => `group ${c.group} was refused: ${c.reason}`,
  ),
  'lab.busy': refused(
    409,
    (c: { device: string; holder: string }) =>
      `${c.device} is taken by ${c.holder}: wait until that has ended, or abort it`,
  ),
  'lab.invalid': refused(400, (c: { reason: string }) => `nothing is measured: ${c.reason}`),
  'lab.no-figures': refused(
    422,
    (c: { device: string }) =>
      `${c.device} ended its measurement without figures: look at its log, then measure again`,
  ),
  'lab.none-measured': refused(
    500,
    (c: { version: string }) =>
      `no variant of ${c.version} was measured: see why in the table, then measure again`,
  ),
  'deployment.not-running': refused(
    409,
    (c: { slot: string; runs: string }) =>
      `the device said that it committed the bundle, and now says that slot ${c.slot} runs ${c.runs}`,
  ),
  'report.invalid': refused(
    422,
    (c: { reason: string }) => `the device's report was refused: ${c.reason}`,
  ),
  'report.unknown-deployment': refused(
    422,
    (c: { deployment: string }) =>
      `the device reports on deployment ${c.deployment}, which this server never gave it`,
  ),
  'rollout.invalid': refused(
    400,
    // the field of the request is for forms: the reason names it in a person's words
    (c: { reason: string; field?: string }) => `nothing is rolled out: ${c.reason}`,
  ),
  'rollout.kind': refused(
    409,
    (c: { rollout: string }) =>
      `rollout ${c.rollout} updates its devices already: only shadow and A/B rollouts are promoted`,
  ),
  'rollout.overlap': refused(
    409,
    (c: { slot: string; rollout: string; devices: number }) =>
      `rollout ${c.rollout} still holds slot ${c.slot} on ${c.devices} of these devices: wait until it has ended or abort it`,
  ),
  'rollout.state': refused(
    409,
    (c: { rollout: string; state: string; change: string }) =>
      `rollout ${c.rollout} cannot be ${c.change}: it is ${c.state}`,
  ),
  'selector.invalid': refused(
    400,
    (c: { selector: string; at: number; reason: string }) =>
      `selector ${JSON.stringify(c.selector.slice(0, 200))} is wrong at character ${c.at}: ${c.reason}`,
  ),
  'telemetry.invalid': refused(
    422,
    (c: { reason: string }) => `the device's telemetry window was refused: ${c.reason}`,
  ),
} as const;
