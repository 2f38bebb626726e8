import { FlotillaError, isId } from '@flotilla/protocol';
import type { Command } from 'commander';
import { type Api, type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { devicePath } from '../device-path.ts';
import { namingSource } from '../naming-source.ts';
import { type Selection, selectorQuery } from '../selection.ts';
import { addExamples } from '../ui/examples.ts';
import { table } from '../ui/table.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface ChosenOptions extends Options {
  readonly devices?: string;
}

interface CreateOptions extends ChosenOptions {
  readonly dynamic?: boolean;
}

interface Group {
  readonly name: string;
  readonly kind: 'static' | 'dynamic';
  readonly selector: string;
  /** Absent for a dynamic group in a list. */
  readonly devices?: number;
  readonly createdBy: string;
  readonly createdMs: number;
}

interface Device {
  readonly device: string;
  readonly name: string;
  readonly target: string;
  readonly status: string;
  readonly online: boolean;
}

/** Devices of a group that `show` lists. */
const SHOWN = 20;

const EXAMPLE = `
Example:
  flotilla group create lab press-1 press-2
  flotilla group create pilot --devices 'site=lyon and online=true'
  flotilla group create old-agents --dynamic --devices 'agent < 0.2'
  flotilla group change old-agents --devices 'agent < 0.3'
  flotilla group add lab press-3
  flotilla group remove lab --devices 'not has camera'
  flotilla group list
  flotilla group show lab
  flotilla group delete old-agents
  flotilla rollout create parts@3 --devices 'group = lab' --dry-run`;

const CHOSEN = 'the devices that it matches now';

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  const sub = (usage: string, text: string) =>
    withApiOptions(command.command(usage), context).description(text);
  sub('create <group> [devices...]', 'make a group of devices, by id or name')
    .option('--devices <selector>', `${CHOSEN}; with --dynamic, whenever the group is used`)
    .option('--dynamic', 'hold whatever the selector matches when the group is used')
    .action((name: string, named: string[], options: CreateOptions) =>
      create(name, named, options, context),
    );
  sub('list', 'list the groups of the fleet').action((options: Options) => list(options, context));
  sub('show <group>', 'show a group and the devices in it').action(
    (name: string, options: Options) => show(name, options, context),
  );
  for (const how of ['add', 'remove'] as const) {
    const text = how === 'add' ? 'put devices into' : 'take devices out of';
    sub(`${how} <group> [devices...]`, `${text} a static group`)
      .option('--devices <selector>', CHOSEN)
      .action((name: string, named: string[], options: ChosenOptions) =>
        changeMembers(how, name, named, options, context),
      );
  }
  sub('change <group>', 'give a dynamic group another selector')
    .usage('<group> --devices <selector> [options]')
    .requiredOption('--devices <selector>', 'what it shall hold')
    .action((name: string, options: ChosenOptions) => change(name, options, context));
  sub('delete <group>', 'delete a group').action(async (name: string, options: Options) => {
    await connect(options).delete(pathOf(name));
    if (options.json) context.json({ deleted: name });
    context.say(`deleted group ${name}; its devices stay as they are`);
  });
}

/** What gives a field of a group. */
const SOURCES: Readonly<Record<string, string>> = { name: 'GROUP', selector: '--devices' };

const pathOf = (name: string): string => `/groups/${encodeURIComponent(name)}`;

async function create(name: string, named: string[], options: CreateOptions, context: Context) {
  const api = connect(options);
  const asked = api.post<Group>('/groups', {
    name,
    kind: options.dynamic ? 'dynamic' : 'static',
    ...(await chosen(api, named, options)),
  });
  const group = await namingSource(asked, (field) => SOURCES[field]);
  if (options.json) context.json(group);
  context.say(summary(group));
  const { devices } = options;
  if (group.devices !== 0 || devices === undefined) return;
  const { note } = await api.get<Selection>(`/devices/selection${selectorQuery(devices)}`);
  if (note !== '') context.say(`no device matches ${devices}: ${note}`);
}

async function change(name: string, { devices, ...options }: ChosenOptions, context: Context) {
  const group = await connect(options).patch<Group>(pathOf(name), { selector: devices });
  if (options.json) context.json(group);
  context.say(summary(group));
}

async function changeMembers(
  how: 'add' | 'remove',
  name: string,
  named: string[],
  options: ChosenOptions,
  context: Context,
): Promise<void> {
  const api = connect(options);
  const body = await chosen(api, named, options);
  if (Object.keys(body).length === 0) {
    const reason = `group ${how} takes ids or names of devices, or --devices SELECTOR`;
    throw new FlotillaError('cli.usage', { reason });
  }
  const answer = await api.post<{ changed: number; devices: number }>(
    `${pathOf(name)}/${how}`,
    body,
  );
  if (options.json) context.json(answer);
  const done = how === 'add' ? 'added' : 'removed';
  context.say(`${done} ${answer.changed}: group ${name} holds ${deviceCount(answer.devices)}`);
}

/** Devices by id or name, and a selector, as the server takes them. */
async function chosen(api: Api, named: readonly string[], { devices: selector }: ChosenOptions) {
  const ids: string[] = [];
  for (const text of named) {
    ids.push(isId(text) ? text : (await devicePath(api, text)).slice('/devices/'.length));
  }
  return {
    ...(ids.length === 0 ? {} : { devices: ids }),
    ...(selector === undefined ? {} : { selector }),
  };
}

async function list(options: Options, context: Context): Promise<void> {
  const { items } = await connect(options).get<{ items: Group[] }>('/groups');
  if (options.json) context.json({ groups: items });
  if (items.length === 0) {
    context.say('no groups yet: make one with flotilla group create NAME --devices SELECTOR');
    return;
  }
  const rows = items.map(({ name, kind, selector, devices }) => [
    name,
    kind,
    devices === undefined ? selector : deviceCount(devices),
  ]);
  context.say(table(['group', 'kind', 'holds'], rows, context.columns));
}

async function show(name: string, options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const group = await api.get<Group>(pathOf(name));
  const query = selectorQuery(`group="${name}"`);
  const { items } = await api.get<{ items: Device[] }>(`/devices${query}&limit=${SHOWN}`);
  if (options.json) {
    const { devices } = await api.get<Selection>(`/devices/selection${query}`);
    context.json({ ...group, ids: devices });
  }
  context.say(summary(group));
  if (items.length === 0) return;
  const rows = items.map((one) => [
    one.name,
    one.device,
    one.target,
    one.status === 'accepted' ? (one.online ? 'online' : 'offline') : one.status,
  ]);
  context.say(`\n${table(['name', 'device', 'target', 'state'], rows, context.columns)}`);
  const more = (group.devices ?? 0) - items.length;
  if (more > 0) context.say(`and ${more} more: flotilla device list --devices 'group=${name}'`);
}

const summary = ({ name, kind, selector, devices = 0 }: Group): string =>
  kind === 'static'
    ? `group ${name}: static, holds ${deviceCount(devices)}`
    : `group ${name}: dynamic, ${selector} (${deviceCount(devices)} now)`;

const deviceCount = (count: number): string => `${count} ${count === 1 ? 'device' : 'devices'}`;
