import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError, isId } from '@flotilla/protocol';
import type { Command } from 'commander';
import { type Api, type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { type PolicyOptions, readPolicy, withPolicyOptions } from '../download-policy.ts';
import { hasEnded, progressLine, type RolloutView, rolloutTable } from '../rollout-view.ts';
import { table } from '../ui/table.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface CreateOptions extends Options, PolicyOptions {
  readonly devices: string;
  readonly waves: string;
  readonly soak: string;
  readonly dryRun?: boolean;
  readonly watch?: boolean;
}

interface Draft {
  readonly id: string;
  readonly sizes: readonly number[];
  readonly devices: readonly DraftDevice[];
}

interface DraftDevice {
  readonly device: string;
  readonly name: string;
  readonly target: string;
  readonly wave: number;
  readonly state: string;
  readonly precision: string;
  readonly reason: string;
}

const POLL_MS = 500;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const EXAMPLE = `
Example:
  flotilla rollout create parts@3 --devices 'site=lyon and target=raspberry-pi-5' --waves 5,10%,100% --dry-run
  flotilla rollout create parts@3 --waves 1,50%,100% --soak 10m --watch
  flotilla rollout create parts@3 --bandwidth 250k --metered wait
  flotilla rollout list
  flotilla rollout abort 01m7xy2hxsnss48p1c7zwvw5qy`;

export function define(command: Command, context: Context): void {
  command.addHelpText('after', EXAMPLE);
  const sub = (usage: string, text: string) =>
    withApiOptions(command.command(usage), context).description(text);
  withPolicyOptions(sub('create <model@version>', 'roll a version out in waves'))
    .option('--devices <selector>', 'which devices', 'all')
    .option('--waves <waves>', 'cumulative counts and shares, the last 100%', '1,10%,100%')
    .option('--soak <time>', 'how long a wave is watched before the next: 30s, 10m, 1h', '10m')
    .option('--dry-run', 'only say which devices would get what, and when')
    .option('--watch', 'follow it to its end')
    .action((version: string, options: CreateOptions) => create(version, options, context));
  sub('list', 'list rollouts, newest first').action((options: Options) => list(options, context));
  sub('show <rollout>', 'show devices and gates of a rollout').action(
    (id: string, options: Options) => show(id, options, context),
  );
  sub('watch <rollout>', 'follow a rollout to its end; exit code 1 where it was undone').action(
    (id: string, options: Options) => watch(connect(options), id, options.json === true, context),
  );
  for (const change of ['pause', 'resume', 'abort'] as const) {
    sub(`${change} <rollout>`, `${change} a rollout`).action(
      async (id: string, options: Options) => {
        const path = `${pathOf(id)}/${change}`;
        const rollout = await connect(options).post<RolloutView>(path);
        if (options.json) context.json(rollout);
        context.say(progressLine(rollout));
      },
    );
  }
}

async function create(version: string, options: CreateOptions, context: Context): Promise<void> {
  const api = connect(options);
  const download = readPolicy(options);
  const body = {
    ...modelVersion(version),
    devices: options.devices,
    waves: options.waves.split(',').map((wave) => wave.trim()),
    soakMs: duration(options.soak),
    ...(Object.keys(download).length === 0 ? {} : { download }),
  };
  const draft = await api.post<Draft>(`/rollouts${options.dryRun ? '?dryRun=true' : ''}`, body);
  if (options.json && (options.dryRun || !options.watch)) context.json(draft);
  context.say(draftTable(draft, context.columns));
  if (options.dryRun) return;
  context.say(`\nrollout ${draft.id}`);
  if (options.watch) await watch(api, draft.id, options.json === true, context);
}

function draftTable({ devices, sizes }: Draft, columns: number): string {
  const rows = devices.map((device) => [
    device.name || device.device,
    device.target,
    device.wave < 0 ? device.state : `${device.wave + 1}`,
    device.precision,
    device.reason,
  ]);
  const waves = sizes.map((size, wave) => `wave ${wave + 1} reaches ${size}`).join(', ');
  return `${table(['device', 'target', 'wave', 'variant', 'why'], rows, columns)}\n\n${waves}`;
}

/** @throws FlotillaError `cli.usage` */
function modelVersion(text: string): { model: string; version: number } {
  const [, model, version] = /^([^@]+)@(\d+)$/.exec(text) ?? [];
  if (model !== undefined) return { model, version: Number(version) };
  throw new FlotillaError('cli.usage', { reason: `${text} is not MODEL@VERSION, such as parts@3` });
}

/** @throws FlotillaError `cli.usage` */
function pathOf(id: string): string {
  if (isId(id)) return `/rollouts/${id}`;
  const reason = `${id} is not the id of a rollout: flotilla rollout list shows them`;
  throw new FlotillaError('cli.usage', { reason });
}

/** @throws FlotillaError `cli.usage` */
function duration(text: string): number {
  const [, amount, unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  throw new FlotillaError('cli.usage', { reason: `${text} is not a time such as 30s, 10m or 1h` });
}

async function list(options: Options, context: Context): Promise<void> {
  const rollouts =
    await connect(options).all<Omit<RolloutView, 'devices' | 'verdicts'>>('/rollouts');
  if (options.json) context.json({ rollouts });
  if (rollouts.length === 0) {
    context.say('no rollouts yet: make one with flotilla rollout create MODEL@VERSION');
    return;
  }
  const rows = rollouts.map(({ id, model, version, state, wave, sizes, sentence }) => [
    id,
    `${model}@${version}`,
    state,
    `${wave + 1}/${sizes.length}`,
    sentence,
  ]);
  context.say(table(['rollout', 'version', 'state', 'wave', 'why'], rows, context.columns));
}

async function show(id: string, options: Options, context: Context): Promise<void> {
  const rollout = await connect(options).get<RolloutView>(pathOf(id));
  if (options.json) context.json(rollout);
  context.say(`${rollout.model}@${rollout.version}  ${progressLine(rollout)}\n`);
  context.say(rolloutTable(rollout, context.columns));
}

/**
 * Tells each change of a rollout until it has ended; with `--json` only how it ended.
 *
 * @throws FlotillaError `rollout.undone` where its version was not left on the devices
 */
async function watch(api: Api, id: string, asJson: boolean, context: Context): Promise<void> {
  let told = '';
  while (!context.interrupted.aborted) {
    const rollout = await api.get<RolloutView>(pathOf(id));
    const line = progressLine(rollout);
    if (line !== told) context.say(line);
    told = line;
    if (hasEnded(rollout)) {
      if (asJson) context.json(rollout);
      context.say(`\n${rolloutTable(rollout, context.columns)}`);
      if (rollout.state === 'done') return;
      const { state, sentence } = rollout;
      throw new FlotillaError('rollout.undone', { rollout: id, state, sentence });
    }
    await sleep(POLL_MS, undefined, { signal: context.interrupted }).catch(() => undefined);
  }
}
