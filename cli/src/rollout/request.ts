import { readFile } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { type PolicyOptions, readPolicy, withPolicyOptions } from '../download-policy.ts';
import { readCount, readPoints } from '../numbers.ts';
import { readGates } from './gate-limits.ts';
import { readPerMinute, readRate, readStart, readWindow } from './strategies.ts';
import { readDuration } from './times.ts';

/** How a rollout is asked for on the command line. */
export interface RequestOptions extends PolicyOptions {
  readonly from?: string;
  readonly devices?: string;
  readonly waves?: string;
  readonly stratify?: string;
  readonly soak?: string;
  readonly maxSoak?: string;
  readonly watchTime?: string;
  readonly deadline?: string;
  readonly attempts?: string;
  readonly networkAttempts?: string;
  readonly retry?: string;
  readonly maxRetry?: string;
  readonly rate?: string;
  readonly rollBackRate?: string;
  readonly maxInFlight?: string;
  readonly start?: string;
  readonly maintenance: readonly string[];
  readonly approval?: string;
  readonly priority?: string;
  readonly lateJoiners: boolean;
  readonly gate: readonly string[];
  readonly kind?: string;
  readonly promote?: string;
  readonly sample?: string;
  readonly busy?: string;
  readonly maxTemperature?: string;
  readonly compare?: string;
  readonly share?: string;
  readonly maxHours?: string;
}

/** The body of `POST /rollouts`; the server checks it. */
export type RolloutRequest = Record<string, unknown>;

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** What is left out is the server's to decide. */
export const withRequestOptions = (command: Command): Command =>
  withKindOptions(withPolicyOptions(withStrategyOptions(command)));

const withStrategyOptions = (command: Command): Command =>
  command
    .option('--from <file>', 'a whole request in YAML or JSON; what is given here goes before it')
    .option('--devices <selector>', 'which devices (all)')
    .option('--waves <waves>', 'cumulative counts and shares, the last 100% (10%,30%,100%)')
    .option('--stratify <keys>', 'keys and tags that each wave is balanced over (target,site)')
    .option('--soak <time>', 'how long a wave is watched before the next: 30s, 10m, 1h (10m)')
    .option('--max-soak <time>', 'how long a gate may wait for evidence (ten times the soak)')
    .option('--watch-time <time>', 'how long a device watches it before it commits (30s)')
    .option('--rate <rate>', "how fast devices are asked: 100/min, '10/min x2 every 50 up to 1000'")
    .option('--max-in-flight <count>', 'devices at most that are at it at once')
    .option('--start <time>', 'not before: 2027-01-31T22:00, +2h')
    .option(
      '--maintenance <window>',
      "only then, by the device's clock: 'sat,sun 02:00-05:00'; may be repeated",
      collect,
      [],
    )
    .option('--approval <when>', 'an approver lets waves open: none, start, each (none)')
    .option('--priority <number>', '0 to 9; a higher one takes devices over (5)')
    .option('--no-late-joiners', 'leave out devices that come to match later')
    .option('--deadline <time>', 'time that a device has for an attempt (24h)')
    .option('--attempts <count>', 'attempts on a device where it failed (3)')
    .option('--network-attempts <count>', 'attempts where the network failed (50)')
    .option('--retry <time>', 'pause before the second attempt, doubled from there (1m)')
    .option('--max-retry <time>', 'longest such pause (1h)')
    .option('--roll-back-rate <rate>', 'devices per minute on the way back: 200/min (all at once)')
    .option(
      '--gate <limit>',
      'limit of a gate: latency=20%, accuracy=0.02, drift=off; may be repeated',
      collect,
      [],
    );

const withKindOptions = (command: Command): Command =>
  command
    .option('--kind <kind>', 'update; shadow: beside what runs; ab: for a share of the devices')
    .option('--promote <by>', 'who makes a shadow or A/B an update: command, gate (command)')
    .option('--sample <percent>', 'shadow: inferences that it sees too (10)')
    .option('--busy <percent>', 'shadow: most of the time that it may compute (20)')
    .option('--max-temperature <celsius>', 'shadow: it rests above (75)')
    .option('--compare <count>', 'shadow: inferences by both before the gates judge (1000)')
    .option('--share <percent>', 'ab: devices that get the version (50)')
    .option('--max-hours <hours>', 'shadow, ab: it ends then, undecided (168, 336)');

/**
 * The request that options, and a file where one is given, come to.
 *
 * @param version as `parts@3`; undefined where the file says it
 * @throws FlotillaError `cli.usage`, `file.missing`
 */
export async function readRequest(
  version: string | undefined,
  options: RequestOptions,
  now: number,
): Promise<RolloutRequest> {
  const file: RolloutRequest =
    options.from === undefined ? {} : await readRequestFile(options.from);
  const given = requestOf({ ...options, kind: options.kind ?? kindIn(file) }, now);
  const named = version === undefined ? {} : modelVersion(version);
  const request: RolloutRequest = { ...file, ...given, ...named };
  for (const key of ['gates', 'retry', 'download', 'shadow', 'ab']) {
    const both = { ...(file[key] as object), ...(given[key] as object) };
    if (Object.keys(both).length > 0) request[key] = both;
  }
  if (request.model !== undefined && request.version !== undefined) return request;
  throw usage('say which version: MODEL@VERSION, or model and version in the file of --from');
}

/** @throws FlotillaError `cli.usage` */
function requestOf(options: RequestOptions, now: number): RolloutRequest {
  const { rate, rollBackRate, start, maintenance, gate, lateJoiners } = options;
  const retry = defined({
    networkAttempts: countOf('--network-attempts', options.networkAttempts),
    maxPauseMs: timeOf('--max-retry', options.maxRetry),
  });
  const download = readPolicy(options);
  return defined({
    devices: options.devices,
    waves: wordsOf(options.waves),
    stratify: options.stratify === 'none' ? [] : wordsOf(options.stratify),
    soakMs: timeOf('--soak', options.soak),
    maxSoakMs: timeOf('--max-soak', options.maxSoak),
    watchMs: timeOf('--watch-time', options.watchTime),
    deadlineMs: timeOf('--deadline', options.deadline),
    maxAttempts: countOf('--attempts', options.attempts),
    retryMs: timeOf('--retry', options.retry),
    retry: filled(retry),
    rate: rate === undefined ? undefined : readRate(rate),
    rollBackPerMinute:
      rollBackRate === undefined ? undefined : readPerMinute('--roll-back-rate', rollBackRate),
    maxInFlight: countOf('--max-in-flight', options.maxInFlight),
    startMs: start === undefined ? undefined : readStart(start, now),
    maintenance: maintenance.length === 0 ? undefined : maintenance.map(readWindow),
    approval: options.approval,
    priority: countOf('--priority', options.priority),
    dynamic: lateJoiners ? undefined : false,
    gates: filled(readGates(gate)),
    download: filled({ ...download }),
    ...kindOf(options),
  });
}

const kindIn = ({ kind }: RolloutRequest): string | undefined =>
  typeof kind === 'string' ? kind : undefined;

/** Options that are of one kind of rollout. */
const OF_KIND = {
  shadow: {
    sample: '--sample',
    busy: '--busy',
    maxTemperature: '--max-temperature',
    compare: '--compare',
  },
  ab: { share: '--share' },
} as const;

/** @throws FlotillaError `cli.usage` where an option is of another kind of rollout */
function checkKind(options: RequestOptions): void {
  for (const [kind, keys] of Object.entries(OF_KIND)) {
    const given = Object.entries(keys).find(([key]) => options[key as keyof RequestOptions]);
    if (given !== undefined && options.kind !== kind)
      throw usage(`${given[1]} needs --kind ${kind}`);
  }
  const { kind = 'update', promote, maxHours } = options;
  if (kind !== 'update') return;
  const given = promote !== undefined ? '--promote' : maxHours !== undefined ? '--max-hours' : '';
  if (given !== '') throw usage(`${given} needs --kind shadow or --kind ab`);
}

/** @throws FlotillaError `cli.usage` */
function kindOf(options: RequestOptions): RolloutRequest {
  checkKind(options);
  const { kind, promote } = options;
  const hours = { maxHours: countOf('--max-hours', options.maxHours) };
  const shadow = defined({
    samplePermille: permilleOf('--sample', options.sample),
    busyPermille: permilleOf('--busy', options.busy),
    maxTemperatureC: countOf('--max-temperature', options.maxTemperature),
    minCompared: countOf('--compare', options.compare),
    ...(kind === 'ab' ? {} : hours),
  });
  const ab = defined({
    sharePercent: countOf('--share', options.share),
    ...(kind === 'ab' ? hours : {}),
  });
  return { kind, promote, shadow: filled(shadow), ab: filled(ab) };
}

const permilleOf = (option: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : Math.round(readPoints(option, text) * 1000);

/** @throws FlotillaError `cli.usage`, `file.missing` */
async function readRequestFile(file: string): Promise<RolloutRequest> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new FlotillaError('file.missing', { what: 'the request', file });
  });
  const document = parseYaml(text, file);
  if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
    const request = document as RolloutRequest;
    // YAML takes a count of devices for a number
    return Array.isArray(request.waves)
      ? { ...request, waves: request.waves.map(String) }
      : request;
  }
  throw usage(`${file} holds no request: it begins with model: parts`);
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
    throw usage(`${file} is not YAML: ${reason}`);
  }
}

/** @throws FlotillaError `cli.usage` */
export function modelVersion(text: string): { model: string; version: number } {
  const [, model, version] = /^([^@]+)@(\d{1,9})$/.exec(text) ?? [];
  if (model === undefined) throw usage(`${text} is not MODEL@VERSION, such as parts@3`);
  if (Number(version) > 0) return { model, version: Number(version) };
  throw usage(`${text} is no version: those of ${model} count from 1, as ${model}@1`);
}

const timeOf = (option: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : readDuration(option, text);

const countOf = (option: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : readCount(option, text);

const wordsOf = (text: string | undefined): string[] | undefined =>
  text?.split(',').map((word) => word.trim());

const filled = <T extends object>(record: T): T | undefined =>
  Object.keys(record).length === 0 ? undefined : record;

const defined = (record: RolloutRequest): RolloutRequest =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

const usage = (reason: string) => new FlotillaError('cli.usage', { reason });
