import type { Command } from 'commander';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { devicePath } from '../device-path.ts';
import {
  type DownloadPolicy,
  type PolicyOptions,
  policyText,
  readPolicy,
  withPolicyOptions,
} from '../download-policy.ts';
import { addExamples } from '../ui/examples.ts';

interface Options extends ApiOptions, PolicyOptions {
  readonly json?: boolean;
  readonly device?: string;
}

const EXAMPLE = `
Example:
  flotilla fleet downloads
  flotilla fleet downloads --bandwidth 250k --metered delta-only
  flotilla fleet downloads --device 01m7xy2hxsnss48p1c7zwvw5qy --metered wait`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  withPolicyOptions(withApiOptions(command.command('downloads'), context))
    .description('say what devices may download over which links, or show it')
    .option('--transport <way>', 'auto: over MQTT where HTTP does not answer; http; mqtt')
    .option('--device <device>', 'of this device alone; what is left out is as the fleet says')
    .action((options: Options) => downloads(options, context));
}

/** Without an option of the policy it only shows; what is not given stays as it is. */
async function downloads(options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const of = options.device === undefined ? '' : await devicePath(api, options.device);
  const change = readPolicy(options);
  const before = await api.get<DownloadPolicy>(`${of}/downloads`);
  const policy =
    Object.keys(change).length === 0
      ? before
      : await api.put<DownloadPolicy>(`${of}/downloads`, { ...before, ...change });
  if (options.json) context.json(policy);
  const nothing = of === '' ? 'no cap, metered links: allow' : 'as the fleet says';
  context.say(policyText(policy) || nothing);
}
