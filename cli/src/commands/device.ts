import type { Command } from 'commander';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { table } from '../ui/table.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface Active {
  readonly slot: string;
  readonly model: string;
  readonly version: number;
  readonly precision: string;
}

interface Device {
  readonly device: string;
  readonly name: string;
  readonly status: string;
  readonly target: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly online: boolean;
  readonly lastSeenMs: number;
  readonly active: readonly Active[];
}

const EXAMPLE = `
Example:
  flotilla device list
  flotilla device show 01m7xy2hxsnss48p1c7zwvw5qy --json`;

export function define(command: Command, context: Context): void {
  command.addHelpText('after', EXAMPLE);
  withApiOptions(command.command('list'), context)
    .description('list the devices of the fleet')
    .action((options: Options) => list(options, context));
  withApiOptions(command.command('show').argument('<device>', 'id of the device'), context)
    .description('show one device')
    .action((id: string, options: Options) => show(id, options, context));
}

async function list(options: Options, context: Context): Promise<void> {
  const devices = await connect(options).all<Device>('/devices');
  if (options.json) context.json({ devices });
  if (devices.length === 0) {
    context.say('no devices yet: make a claim token with flotilla token claim, then enroll one');
    return;
  }
  const rows = devices.map((device) => [
    device.name,
    device.device,
    device.target,
    device.status === 'accepted' ? (device.online ? 'online' : 'offline') : device.status,
    device.active.map(activeText).join(', '),
    tagText(device.tags),
  ]);
  context.say(table(['name', 'device', 'target', 'state', 'runs', 'tags'], rows, context.columns));
}

async function show(id: string, options: Options, context: Context): Promise<void> {
  const device = await connect(options).get<Device>(`/devices/${encodeURIComponent(id)}`);
  if (options.json) context.json(device);
  const seen = device.lastSeenMs === 0 ? 'never' : new Date(device.lastSeenMs).toISOString();
  context.say(`${device.name}  ${device.device}`);
  context.say(`target     ${device.target}`);
  context.say(`state      ${device.status}, ${device.online ? 'online' : 'offline'}`);
  context.say(`last seen  ${seen}`);
  context.say(`runs       ${device.active.map(activeText).join(', ') || 'nothing'}`);
  context.say(`tags       ${tagText(device.tags) || 'none'}`);
}

const activeText = ({ model, version, precision }: Active): string =>
  `${model}@${version} ${precision}`;

const tagText = (tags: Device['tags']): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
