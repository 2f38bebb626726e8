import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import { type Api, type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import {
  type LabRun,
  labProgress,
  type Measurements,
  measurementTable,
  unmeasuredTable,
} from '../lab-view.ts';
import { modelVersion } from '../rollout/request.ts';
import { readDuration } from '../rollout/times.ts';
import { addExamples } from '../ui/examples.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface RunOptions extends Options {
  readonly devices: string;
  readonly timeout: string;
}

const POLL_MS = 500;

const EXAMPLE = `
Example:
  flotilla lab run parts@3 --devices 'group=lab' --timeout 5m
  flotilla lab show parts@3
  flotilla lab abort parts@3`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  const sub = (usage: string, text: string) =>
    withApiOptions(command.command(usage), context).description(text);
  sub('run <model@version>', 'have every variant measured on devices, and wait for the figures')
    .usage('<model@version> --devices <selector> [options]')
    .requiredOption('--devices <selector>', 'which devices')
    .option('--timeout <time>', 'how long a device may take over one variant', '10m')
    .action((version: string, options: RunOptions) => run(version, options, context));
  sub('show <model@version>', 'show what was measured, and what each target gets for it').action(
    (version: string, options: Options) => show(version, options, context),
  );
  sub('abort <model@version>', 'measure no more variants of the version').action(
    (version: string, options: Options) => abort(version, options, context),
  );
}

/** @throws FlotillaError `cli.usage` */
function pathOf(version: string): string {
  const named = modelVersion(version);
  return `/models/${encodeURIComponent(named.model)}/versions/${named.version}/measurements`;
}

async function run(version: string, options: RunOptions, context: Context): Promise<void> {
  const api = connect(options);
  const path = pathOf(version);
  const body = { devices: options.devices, timeoutMs: readDuration('--timeout', options.timeout) };
  const started = await api.post<LabRun>(path, body);
  const ended = await follow(api, `${path}/runs/${started.id}`, context);
  const measured = await api.get<Measurements>(path);
  if (options.json) context.json({ run: ended, ...measured });
  if (ended.state === 'running') {
    context.say(`goes on without this command; flotilla lab show ${version} shows the figures`);
    return;
  }
  context.say(measurementTable(measured, context.columns));
  const missing = unmeasuredTable(ended, context.columns);
  if (missing !== '') context.say(`\n${missing}`);
  if (ended.orders.some(({ state }) => state === 'measured')) return;
  throw new FlotillaError('lab.none-measured', { version });
}

/** The run once it has ended, or as it is when the person has seen enough. */
async function follow(api: Api, path: string, context: Context): Promise<LabRun> {
  const progress = context.progress();
  for (;;) {
    const state = await api.get<LabRun>(path);
    if (state.state !== 'running' || context.interrupted.aborted) {
      progress.clear();
      return state;
    }
    const { label, share } = labProgress(state);
    progress.update(label, share);
    await sleep(POLL_MS, undefined, { signal: context.interrupted }).catch(() => undefined);
  }
}

async function show(version: string, options: Options, context: Context): Promise<void> {
  const measured = await connect(options).get<Measurements>(pathOf(version));
  if (options.json) context.json(measured);
  if (measured.measurements.length === 0) {
    context.say(`nothing was measured of ${version} yet: flotilla lab run ${version} --devices …`);
    return;
  }
  context.say(measurementTable(measured, context.columns));
}

async function abort(version: string, options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const path = pathOf(version);
  const runs = await api.all<LabRun>(`${path}/runs`);
  const aborted: LabRun[] = [];
  for (const { id } of runs.filter(({ state }) => state === 'running')) {
    aborted.push(await api.post<LabRun>(`${path}/runs/${id}/abort`));
  }
  if (options.json) context.json({ aborted });
  context.say(
    aborted.length === 0
      ? `nothing of ${version} is being measured`
      : `aborted lab run ${aborted.map(({ id }) => id).join(', ')}`,
  );
}
