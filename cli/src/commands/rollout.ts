import {
  type RolloutChanged,
  type RolloutComparison,
  type RolloutDraft,
  type RolloutMember,
  type RolloutProgress,
  type RolloutSummary,
  said,
} from '@flotilla/fleet-server/progress';
import { FlotillaError, isId } from '@flotilla/protocol';
import type { Command } from 'commander';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { namingSource } from '../naming-source.ts';
import { readSome } from '../numbers.ts';
import { clean } from '../rollout/clean.ts';
import { comparisonText } from '../rollout/comparison.ts';
import { draftText } from '../rollout/draft.ts';
import { memberTable } from '../rollout/members.ts';
import { PAGE, progressLines } from '../rollout/progress-view.ts';
import { type RequestOptions, readRequest, withRequestOptions } from '../rollout/request.ts';
import { sourceOf } from '../rollout/request-source.ts';
import { count } from '../rollout/text.ts';
import { watchRollout } from '../rollout/watch.ts';
import { waveMeant } from '../rollout/wave-meant.ts';
import { addExamples } from '../ui/examples.ts';
import { table } from '../ui/table.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface CreateOptions extends Options, RequestOptions {
  readonly dryRun?: boolean;
  readonly watch?: boolean;
}

interface ApproveOptions extends Options {
  readonly wave?: string;
}

interface DeviceOptions extends Options {
  readonly wave?: string;
  readonly state?: string;
}

/** Devices that `show` lists; of a larger rollout it lists those that failed. */
const LISTED = 60;

const EXAMPLE = `
Example:
  flotilla rollout create parts@3 --devices 'site=lyon and target=raspberry-pi-5' --waves 5,10%,100% --dry-run
  flotilla rollout create parts@3 --waves 1,50%,100% --soak 10m --watch
  flotilla rollout create parts@3 --stratify target,site --rate '10/min x2 every 50 up to 1000/min'
  flotilla rollout create parts@3 --maintenance 'sat,sun 02:00-05:00' --approval each --gate latency=20%
  flotilla rollout create parts@3 --bandwidth 250k --metered wait --max-in-flight 20
  flotilla rollout create --from nightly.yaml --priority 7
  flotilla rollout create parts@4 --kind shadow --sample 10 --promote gate
  flotilla rollout create parts@4 --kind ab --share 20 --gate accuracy=2%
  flotilla rollout list
  flotilla rollout devices 01m7xy2hxsnss48p1c7zwvw5qy --state failed
  flotilla rollout show 01m7xy2hxsnss48p1c7zwvw5qy
  flotilla rollout watch 01m7xy2hxsnss48p1c7zwvw5qy
  flotilla rollout approve 01m7xy2hxsnss48p1c7zwvw5qy
  flotilla rollout pause 01m7xy2hxsnss48p1c7zwvw5qy
  flotilla rollout resume 01m7xy2hxsnss48p1c7zwvw5qy
  flotilla rollout promote 01m7xy2hxsnss48p1c7zwvw5qy
  flotilla rollout abort 01m7xy2hxsnss48p1c7zwvw5qy`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  const sub = (usage: string, text: string) =>
    withApiOptions(command.command(usage), context).description(text);
  withRequestOptions(sub('create [model@version]', 'roll a version out in waves'))
    .option('--dry-run', 'only say which devices would get what, and when')
    .option('--watch', 'follow it to its end')
    .action((version: string | undefined, options: CreateOptions) =>
      create(version, options, context),
    );
  sub('list', 'list rollouts, newest first').action((options: Options) => list(options, context));
  sub(
    'show <rollout>',
    'show how a rollout stands: waves, gates, what it waits for, devices',
  ).action((id: string, options: Options) => show(id, options, context));
  sub('devices <rollout>', 'list the devices of a rollout, why each got its variant, and how it is')
    .option('--wave <number>', 'only those of one wave, from 1')
    .option('--state <state>', 'only those in one state: failed, expired, committed …')
    .action((id: string, options: DeviceOptions) => devices(id, options, context));
  sub('watch <rollout>', 'follow a rollout to its end; exit code 1 where it was undone').action(
    (id: string, options: Options) =>
      watchRollout(connect(options), pathOf(id), options.json === true, context),
  );
  for (const [verb, text] of Object.entries(CHANGES)) {
    sub(`${verb} <rollout>`, text).action((id: string, options: Options) =>
      change(id, verb, {}, options, context),
    );
  }
  sub('approve <rollout>', 'let one wave open once the one before has passed; needs an approver')
    .option('--wave <number>', 'which one, from 1 (the one after the open one)')
    .action((id: string, options: ApproveOptions) => approve(id, options, context));
}

const CHANGES = {
  pause: 'ask no further device; those that were asked go on',
  resume: 'go on with a paused rollout',
  promote: 'turn a shadow or an A/B rollout into an update of all its devices',
  abort: 'stop a rollout and bring its devices back to the version before',
} as const;

async function create(
  version: string | undefined,
  options: CreateOptions,
  context: Context,
): Promise<void> {
  const api = connect(options);
  const request = await readRequest(version, options, Date.now());
  const path = `/rollouts${options.dryRun ? '?dryRun=true' : ''}`;
  const asked = api.post<RolloutDraft>(path, request);
  const draft = clean(await namingSource(asked, (field) => sourceOf(field, options)));
  if (options.json && (options.dryRun || !options.watch)) context.json(draft);
  context.say(draftText(draft, context.columns, Date.now()));
  if (options.dryRun) return;
  context.say(`\nrollout ${draft.id}`);
  if (options.watch) await watchRollout(api, pathOf(draft.id), options.json === true, context);
}

/** @throws FlotillaError `cli.usage` */
function pathOf(id: string): string {
  if (isId(id)) return `/rollouts/${id}`;
  const reason = `${id} is not the id of a rollout: flotilla rollout list shows them`;
  throw new FlotillaError('cli.usage', { reason });
}

async function list(options: Options, context: Context): Promise<void> {
  const rollouts = await connect(options).all<RolloutSummary>('/rollouts');
  if (options.json) context.json({ rollouts });
  if (rollouts.length === 0) {
    context.say('no rollouts yet: make one with flotilla rollout create MODEL@VERSION');
    return;
  }
  const rows = rollouts.map(
    ({ id, model, version, kind, state, wave, sizes, sentence, ...more }) => [
      id,
      `${model}@${version}`,
      KINDS[kind],
      state,
      `${wave + 1}/${sizes.length}`,
      count(sizes.at(-1) ?? 0),
      said(sentence) || (more.needsApproval && state === 'running' ? 'needs approval' : ''),
    ],
  );
  const head = ['rollout', 'version', 'kind', 'state', 'wave', 'devices', 'why'];
  context.say(table(head, rows, context.columns));
}

const KINDS = { update: 'update', shadow: 'shadow', ab: 'A/B' } as const satisfies Record<
  RolloutSummary['kind'],
  string
>;

async function show(id: string, options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const path = pathOf(id);
  if (options.json) {
    const [whole, progress, comparison] = await Promise.all(
      ['', '/progress', '/comparison'].map((part) => api.get<object>(`${path}${part}`)),
    );
    context.json({ ...whole, progress, comparison });
    return;
  }
  const progress = clean(await api.get<RolloutProgress>(`${path}/progress`));
  const paper = { ...PAGE, columns: Math.min(context.columns, PAGE.columns) };
  context.say(progressLines(progress, paper).join('\n'));
  if (progress.kind !== 'update') {
    const comparison = clean(await api.get<RolloutComparison>(`${path}/comparison`));
    context.say(`\n${comparisonText(comparison, context.columns)}`);
  }
  const size = progress.waves.at(-1)?.reaches ?? 0;
  const few = size <= LISTED;
  const query = few ? '' : '&state=failed';
  const { items } = await api.get<{ items: RolloutMember[] }>(
    `${path}/devices?limit=${LISTED}${query}`,
  );
  if (items.length > 0) context.say(`\n${memberTable(items, context.columns)}`);
  if (!few) context.say(`\nall devices: flotilla rollout devices ${id}`);
}

async function devices(id: string, options: DeviceOptions, context: Context): Promise<void> {
  const { wave, state } = options;
  const api = connect(options);
  const query = new URLSearchParams({
    limit: '500',
    ...(wave === undefined ? {} : { wave: `${readSome('--wave', wave) - 1}` }),
    ...(state === undefined ? {} : { state }),
  });
  const asked = api.all<RolloutMember>(`${pathOf(id)}/devices?${query}`);
  const devices = await namingSource(asked, (field) => `--${field}`);
  if (options.json) context.json({ devices });
  context.say(devices.length === 0 ? 'no such device' : memberTable(devices, context.columns));
}

/** Always names a wave, so that the same request sent again approves no later one. */
async function approve(id: string, options: ApproveOptions, context: Context): Promise<void> {
  const named = options.wave === undefined ? undefined : readSome('--wave', options.wave);
  const progress = () => connect(options).get<RolloutProgress>(`${pathOf(id)}/progress`);
  await change(id, 'approve', { wave: named ?? waveMeant(await progress()) }, options, context);
}

/** Says what the change has done; a promotion, which rollout it made. */
async function change(id: string, verb: string, body: object, options: Options, context: Context) {
  const api = connect(options);
  const rollout = await api.post<RolloutSummary & Partial<Pick<RolloutChanged, 'answer'>>>(
    `${pathOf(id)}/${verb}`,
    body,
  );
  if (options.json) context.json(rollout);
  const { model, version, state, answer } = clean(rollout);
  const other = rollout.id === id ? '' : `rollout ${rollout.id}: `;
  context.say(answer ?? `${other}${model}@${version} is ${state}`);
}
