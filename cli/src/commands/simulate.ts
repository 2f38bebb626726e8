import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import { isTargetId } from '@flotilla/targets';
import { type Command, Option } from 'commander';
import { parse } from 'yaml';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { readCount, readNumber, readPoints, readSome } from '../numbers.ts';
import { Tally } from '../simulate/counts.ts';
import { DOWNLOADS, type Download } from '../simulate/download.ts';
import { FAULTS, type FaultRule, faultsOf, parseFaults } from '../simulate/faults.ts';
import { type Simulation, startSimulation } from '../simulate/simulation.ts';
import { type KnownModel, unknownVersions } from '../simulate/unknown-versions.ts';
import { liveLines, viewOf } from '../simulate/view.ts';

interface Options extends ApiOptions {
  readonly devices: string;
  readonly data: string;
  readonly claim?: string;
  readonly seed: string;
  readonly targets: string;
  readonly sites: string;
  readonly timeZones: string;
  readonly prefix: string;
  readonly faults: readonly string[];
  readonly download: Download;
  readonly stepMs: string;
  readonly rate: string;
  readonly latency: string;
  readonly classes: string;
  readonly labeled: string;
  readonly for?: string;
  readonly json?: boolean;
}

const DRAW_MS = 500;
const SAY_MS = 1000;

const SHAPES = { share: '30%', factor: '1.3@10%', part: '0.1@10%' } as const;

const EXAMPLE = `
Faults, of a version (parts@4: …), of a model (parts: …) or of whatever runs; several are separated
by commas, versions by semicolons. A share says how many devices have it; a colon says more.
${Object.entries(FAULTS)
  .map(([kind, { takes, more, doc }]) => {
    const shape = `${kind}=${SHAPES[takes]}`;
    return `  ${shape}${more.map((word) => `:${word.toUpperCase()}`).join('')}`.padEnd(28) + doc;
  })
  .join('\n')}

Example:
  flotilla simulate --devices 100 --sites lyon,paris
  flotilla simulate --devices 1000 --faults 'parts@4: fail=30%, slow=1.3@10%, offline=5%'
  flotilla simulate --devices 200 --faults faults.yaml --data ./fleet-b --prefix b
  flotilla simulate --devices 50 --for 60 --json`;

export function define(command: Command, context: Context): void {
  withApiOptions(command, context)
    .option('--devices <count>', 'how many devices', '100')
    .option('--data <folder>', 'keeps the devices for the next run', './simulation')
    .option('--claim <token>', 'claim token for new devices; without it one is made')
    .option('--seed <number>', 'devices, and what is wrong with them, follow from it', '1')
    .option('--targets <targets>', 'hardware classes, taken in turn', 'x86-64')
    .option('--sites <sites>', 'values of the tag site, taken in turn', '')
    .option('--time-zones <zones>', 'time zones of the sites, taken in turn', '')
    .option('--prefix <text>', 'beginning of the names', 'sim')
    .option('--faults <rules>', 'what is wrong, or a YAML file that says so', collect, [])
    .addOption(
      new Option('--download <what>', 'what is fetched of a bundle')
        .choices(DOWNLOADS)
        .default('none'),
    )
    .option('--step-ms <ms>', 'how long a download takes; other steps are shares of it', '500')
    .option('--rate <count>', 'inferences a second on each device', '2')
    .option('--latency <ms>', 'median time of an inference', '20')
    .option('--classes <count>', 'classes that are predicted', '8')
    .option('--labeled <percent>', 'inferences whose true class becomes known', '0')
    .option('--for <seconds>', 'end after so long; without it, Ctrl-C does')
    .addHelpText('after', EXAMPLE)
    .action((options: Options) => simulate(options, context));
}

const collect = (text: string, before: readonly string[]) => [...before, text];

async function simulate(options: Options, context: Context): Promise<void> {
  const tally = new Tally();
  const progress = context.progress();
  const rules = await readRules(options.faults);
  const seconds = options.for === undefined ? undefined : readNumber('--for', options.for);
  // what the server refuses is to be known before there are devices to stop
  for (const line of await doubts(rules, options)) context.say(`warning: ${line}`);
  const simulation = await startSimulation({
    server: options.server.replace(/\/+$/, ''),
    fleet: options.fleet,
    devices: readSome('--devices', options.devices),
    data: options.data,
    seed: readCount('--seed', options.seed),
    profiles: {
      targets: readTargets(options.targets),
      sites: words(options.sites),
      timeZones: words(options.timeZones),
      prefix: options.prefix,
    },
    rules,
    work: {
      inferencesPerSecond: readNumber('--rate', options.rate),
      latencyMs: readNumber('--latency', options.latency),
      classes: readCount('--classes', options.classes),
      labeled: readPoints('--labeled', options.labeled),
    },
    stepMs: readNumber('--step-ms', options.stepMs),
    download: options.download,
    signal: context.interrupted,
    claim: async (uses) => {
      if (options.claim !== undefined) return options.claim;
      const made = await connect(options).post<{ token: string }>('/claim-tokens', {
        uses,
        label: 'simulation',
      });
      return made.token;
    },
    told: (event) => tally.told(event),
    progress: (label, share) => progress.update(label, share),
  });
  progress.clear();
  try {
    await show(simulation, tally, options, context, seconds);
  } finally {
    await simulation.stop();
  }
}

/** What is odd about the faults; nothing where there is no token to ask with. */
async function doubts(rules: readonly FaultRule[], options: Options): Promise<string[]> {
  if (options.token === '' || rules.length === 0) return [];
  return unknownVersions(rules, await connect(options).all<KnownModel>('/models'));
}

/** Until it is interrupted or its time is over. */
async function show(
  simulation: Simulation,
  tally: Tally,
  { json }: Options,
  context: Context,
  seconds = Number.POSITIVE_INFINITY,
): Promise<void> {
  const began = performance.now();
  const live = !json && process.stdout.isTTY;
  const draw = liveLines(process.stdout);
  const everyMs = live ? DRAW_MS : SAY_MS;
  let now = tally.of(simulation);
  let before = now;
  let elapsedS = 0;
  while (!context.interrupted.aborted && performance.now() - began < seconds * 1000) {
    await sleep(everyMs, undefined, { signal: context.interrupted }).catch(() => undefined);
    before = now;
    now = tally.of(simulation);
    elapsedS = (performance.now() - began) / 1000;
    if (json) context.json({ seconds: Number(elapsedS.toFixed(1)), ...now });
    else if (live) draw(viewOf(now, before, everyMs / 1000, elapsedS));
  }
  if (live) return;
  for (const line of viewOf(now, before, everyMs / 1000, elapsedS)) context.say(line);
}

async function readRules(texts: readonly string[]): Promise<FaultRule[]> {
  const rules = await Promise.all(
    texts.map(async (text) => {
      if (!/\.ya?ml$/.test(text)) return parseFaults(text);
      const source = await readFile(text, 'utf8').catch(() => {
        throw new FlotillaError('file.missing', { what: 'the file of faults', file: text });
      });
      return faultsOf(readYaml(source, text));
    }),
  );
  return rules.flat();
}

function readYaml(source: string, file: string): unknown {
  try {
    return parse(source);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : '';
    throw new FlotillaError('simulate.faults', { where: file, reason });
  }
}

function readTargets(text: string): string[] {
  const targets = words(text);
  const unknown = targets.find((target) => !isTargetId(target));
  if (unknown === undefined && targets.length > 0) return targets;
  const reason = `--targets names ${JSON.stringify(unknown ?? '')}, which is no target: see flotilla targets`;
  throw new FlotillaError('cli.usage', { reason });
}

const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
