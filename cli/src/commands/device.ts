import { AGENT_SLOT, type Capabilities, type SelfTest } from '@flotilla/protocol';
import type { Command } from 'commander';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { devicePath } from '../device-path.ts';
import { namingSource } from '../naming-source.ts';
import { type Selection, selectorQuery } from '../selection.ts';
import { addExamples } from '../ui/examples.ts';
import { byteCount, milliseconds, table } from '../ui/table.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface ListOptions extends Options {
  readonly devices?: string;
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
  readonly agentVersion: string;
  /** Why the server does not work with its agent; empty where it does. */
  readonly incompatible?: string;
  /** As the device reported them; older agents report fewer. */
  readonly capabilities: Partial<Capabilities>;
}

interface Deployment extends Active {
  readonly result: string;
  readonly step: string;
  readonly code: string;
  /** As the device reported it; older agents report less. */
  readonly selfTest?: Partial<SelfTest>;
}

/** Latest deployments that `show` lists. */
const SHOWN = 5;

const EXAMPLE = `
Example:
  flotilla device list
  flotilla device list --devices 'site=lyon and memory >= 4GB and not has camera'
  flotilla device list --devices 'runtime.onnxruntime < 1.20 or seen > 7d'
  flotilla device show press-1
  flotilla device show 01m7xy2hxsnss48p1c7zwvw5qy --json`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  withApiOptions(command.command('list'), context)
    .description('list the devices of the fleet')
    .option('--devices <selector>', 'only those that it matches, as rollout create takes it')
    .action((options: ListOptions) => list(options, context));
  withApiOptions(command.command('show').argument('<device>', 'id or name of the device'), context)
    .description('show one device')
    .action((text: string, options: Options) => show(text, options, context));
}

async function list(options: ListOptions, context: Context): Promise<void> {
  const api = connect(options);
  const query = selectorQuery(options.devices);
  const devices = await namingSource(api.all<Device>(`/devices${query}`), () => '--devices');
  const selection =
    query === '' ? undefined : await api.get<Selection>(`/devices/selection${query}`);
  if (options.json) context.json({ devices });
  if (devices.length > 0) context.say(deviceTable(devices, context.columns));
  if (selection !== undefined) context.say(selectionText(devices, selection));
  else if (devices.length === 0) {
    context.say('no devices yet: make a claim token with flotilla token claim, then enroll one');
  }
}

function selectionText(devices: readonly Device[], { total, note }: Selection): string {
  if (devices.length === 0) return `no device matches: ${note}`;
  const accepted = devices.filter(({ status }) => status === 'accepted').length;
  const others = devices.length - accepted;
  const left = others === 0 ? '' : `; ${others} not accepted, which rollouts leave out`;
  return `\n${devices.length} of ${total} devices match${left}`;
}

function deviceTable(devices: readonly Device[], columns: number): string {
  const rows = devices.map((device) => [
    device.name,
    device.device,
    device.target,
    stateOf(device),
    agentText(device),
    modelsOf(device),
    tagText(device.tags),
  ]);
  return table(['name', 'device', 'target', 'state', 'agent', 'runs', 'tags'], rows, columns);
}

function stateOf({ status, online, incompatible }: Device): string {
  if (status !== 'accepted') return status;
  const reached = online ? 'online' : 'offline';
  return incompatible ? `${reached}, not managed` : reached;
}

async function show(text: string, options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const path = await devicePath(api, text);
  const device = await api.get<Device>(path);
  const deployments = await api.get<{ items: Deployment[] }>(`${path}/deployments?limit=${SHOWN}`);
  if (options.json) context.json({ ...device, deployments: deployments.items });
  const seen = device.lastSeenMs === 0 ? 'never' : new Date(device.lastSeenMs).toISOString();
  context.say(`${device.name}  ${device.device}`);
  context.say(`target     ${device.target}`);
  context.say(`state      ${device.status}, ${device.online ? 'online' : 'offline'}`);
  context.say(`last seen  ${seen}`);
  context.say(`runs       ${modelsOf(device) || 'nothing'}`);
  context.say(`tags       ${tagText(device.tags) || 'none'}`);
  context.say(`agent      ${agentText(device) || 'unknown'}`);
  if (device.incompatible) context.say(`           ${device.incompatible}`);
  for (const [name, text] of hardwareOf(device.capabilities)) {
    if (text !== '') context.say(`${name.padEnd(10)} ${text}`);
  }
  const { items } = deployments;
  if (items.length === 0) return;
  const rows = items.map((item) => [activeText(item), resultText(item), measuredText(item)]);
  context.say('');
  context.say(table(['deployment', 'result', 'measured on the device'], rows, context.columns));
}

const resultText = ({ result, step, code }: Deployment): string =>
  [result, result === 'in-progress' ? step : code].filter(Boolean).join(', ');

/** What the device found before it activated the model. */
function measuredText({ selfTest }: Deployment): string {
  if (selfTest === undefined) return '';
  const { latencyMs, latencyP95Ms, rssBytes, runtime, provider } = selfTest;
  const facts = [
    latencyMs ? `${milliseconds(latencyMs)} (p95 ${milliseconds(latencyP95Ms ?? 0)})` : '',
    rssBytes ? byteCount(rssBytes) : '',
    runtime ? `${runtime} ${provider}` : '',
  ];
  return facts.filter(Boolean).join(', ');
}

/** What the device said that it is and has; empty where it said nothing. */
function hardwareOf(said: Partial<Capabilities>): [string, string][] {
  const { cores, cpuModel, memoryBytes = 0, diskFreeBytes = 0, diskBytes = 0 } = said;
  const runtimes = (said.runtimes ?? []).map(
    ({ name, version, providers = [] }) => `${name} ${version} (${providers.join(', ')})`,
  );
  return [
    ['board', said.board ?? ''],
    ['processor', cpuModel ? `${cores} × ${cpuModel}` : ''],
    ['memory', memoryBytes > 0 ? gigabytes(memoryBytes) : ''],
    ['disk', diskBytes > 0 ? `${gigabytes(diskFreeBytes)} free of ${gigabytes(diskBytes)}` : ''],
    ['system', [said.os, said.kernel].filter(Boolean).join(', ')],
    ['jetpack', said.jetpack ?? ''],
    ['power', said.powerMode ?? ''],
    ['container', said.container ?? ''],
    ['cameras', (said.cameras ?? []).join(', ')],
    ['runtimes', runtimes.join(', ')],
  ];
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

const modelsOf = ({ active }: Device): string =>
  active
    .filter(({ slot }) => slot !== AGENT_SLOT)
    .map(activeText)
    .join(', ');

/** What the agent calls itself, and the release that it came by where it was rolled out. */
function agentText({ agentVersion, active }: Device): string {
  const release = active.find(({ slot }) => slot === AGENT_SLOT);
  return release === undefined
    ? agentVersion
    : `${agentVersion} (${AGENT_SLOT}@${release.version})`;
}

const activeText = ({ slot, model, version, precision }: Active): string =>
  `${model}@${version} ${precision}${slot === model ? '' : ` in ${slot}`}`;

const tagText = (tags: Device['tags']): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
