import { type BenchRow, bench } from '../bench/bench.ts';
import { usage } from '../config.ts';
import { createLogger } from '../logger.ts';
import { agentOptionsOf } from './agent-options.ts';
import { type Command, type CommandInput, text } from './command.ts';
import { progressOn } from './progress.ts';
import { configOf, configOption } from './shared.ts';

const MAX_RUNS = 100_000;

export const benchCommand: Command = {
  usage: 'bench SLOT|FILE.flotilla… [--runs N] [--threads N] [--data DIR]',
  summary: 'Time models on this device, in a process of their own; nothing is loaded into a slot.',
  options: {
    data: configOption('data', 'DIR'),
    runs: { type: 'string', value: 'N', doc: 'timed runs of each model (50)' },
    threads: configOption('threads', 'N'),
    providers: configOption('providers', 'LIST'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    json: { type: 'boolean', doc: 'print JSON, as flotilla optimize --measurements takes it' },
  },
  examples: [
    'flotilla-agent bench parts --data /var/lib/flotilla',
    'flotilla-agent bench out/parts-1-raspberry-pi-5-fp32.flotilla out/parts-1-raspberry-pi-5-int8.flotilla --json',
  ],
  async run(input) {
    const { positionals, io, values } = input;
    if (positionals.length === 0) throw usage('bench takes slots or bundle files');
    const runs = readRuns(input);
    const agent = agentOptionsOf(configOf(input), io, createLogger('silent'));
    const stopping = new AbortController();
    io.ended.then(() => stopping.abort());
    const progress = progressOn(io);
    const models: BenchRow[] = [];
    try {
      for (const [index, what] of positionals.entries()) {
        progress.update(`measuring ${what}`, index / positionals.length);
        models.push(await bench({ what, runs, agent, signal: stopping.signal }));
      }
    } finally {
      progress.clear();
    }
    io.print(values.json ? JSON.stringify({ models }) : describe(models));
  },
};

function readRuns(input: CommandInput): number {
  const given = text(input, 'runs') ?? '50';
  const runs = Number(given);
  if (Number.isInteger(runs) && runs >= 1 && runs <= MAX_RUNS) return runs;
  throw usage(`--runs takes a number from 1 to ${MAX_RUNS}, not ${given.slice(0, 20)}`);
}

function describe(models: readonly BenchRow[]): string {
  const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
  const rows = models.map(({ model, loadMs, latencyMs: { p50, p95 }, rssBytes }) => [
    model,
    ms(loadMs),
    ms(p50),
    ms(p95),
    `${(rssBytes / 1e6).toFixed(1)} MB`,
  ]);
  const all = [['model', 'load', 'p50', 'p95', 'memory'], ...rows];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  const lines = all.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  const on = models[0]?.latencyMs.measuredOn;
  const threads = on?.threads === 1 ? '1 thread' : `${on?.threads} threads`;
  const passedOver = models.flatMap(({ fallbacks }) => fallbacks.map((it) => `not on ${it}`));
  return [
    ...lines.map((line) => line.trimEnd()),
    '',
    `${on?.cpu}, ${on?.provider}, ${threads}`,
    ...new Set(passedOver),
  ].join('\n');
}
