import { FlotillaError } from '@flotilla/protocol';
import { usage } from '../config.ts';
import { createLogger } from '../logger.ts';
import { type Loaded, loadFile } from '../side-load/load.ts';
import { agentOptionsOf } from './agent-options.ts';
import { type Command, type CommandInput, text } from './command.ts';
import { progressOn } from './progress.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const loadCommand: Command = {
  usage: 'load FILE.flotilla [--slot NAME] [--data DIR]',
  summary: 'Put a bundle from a file or a stick into a slot of this device; no server is needed.',
  options: {
    data: configOption('data', 'DIR'),
    slot: { type: 'string', value: 'NAME', doc: 'where it runs; default: the name of the model' },
    watch: {
      type: 'string',
      value: 'SECONDS',
      doc: 'how long it is watched before it counts as good (0)',
    },
    threads: configOption('threads', 'N'),
    providers: configOption('providers', 'LIST'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    'self-test-timeout': configOption('selfTestTimeoutMs', 'MS'),
    'disk-quota': configOption('diskQuota', 'BYTES'),
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent load parts-3-raspberry-pi-5-int8.flotilla --data /var/lib/flotilla',
    'flotilla-agent load /media/stick/parts-4-x86-64-fp32.flotilla --slot parts-next --watch 10',
  ],
  async run(input) {
    const [file, ...more] = input.positionals;
    if (file === undefined || more.length > 0) throw usage('load takes one bundle file');
    const progress = progressOn(input.io);
    const config = configOf(input);
    try {
      const work = loadFile({
        file,
        slot: text(input, 'slot'),
        watchMs: readSeconds(input),
        agent: agentOptionsOf(config, input.io, createLogger('silent')),
        onProgress: progress.update,
      });
      const loaded = await Promise.race([work, stopped(input.io)]);
      progress.clear();
      input.io.print(input.values.json ? JSON.stringify(loaded) : describe(loaded, config.data));
    } finally {
      progress.clear();
    }
  },
};

/** What is not ended goes on with the next run, or when the same file is loaded again. */
const stopped = ({ ended }: CommandInput['io']): Promise<never> =>
  ended.then(() => {
    throw new FlotillaError('child.aborted', { task: 'loading' });
  });

function readSeconds(input: CommandInput): number {
  const seconds = Number(text(input, 'watch') ?? 0);
  if (seconds >= 0 && seconds <= 86_400) return Math.round(seconds * 1000);
  throw usage(`--watch takes seconds, at most a day, not ${text(input, 'watch')?.slice(0, 20)}`);
}

function describe(loaded: Loaded, data: string): string {
  const { model, version, target, precision, slot, signedBy, attempt, serving } = loaded;
  const { latencyMs = 0, provider = '' } = attempt.selfTest ?? {};
  const who = signedBy === 'fleet' ? 'by its fleet' : `with the key ${signedBy}`;
  const next = serving ? `flotilla-agent infer ${slot} FILE` : 'flotilla-agent run';
  return [
    `${model}@${version} ${precision} for ${target} is in slot ${slot}, signed ${who}`,
    `  self-test passed: ${latencyMs.toFixed(2)} ms on ${provider || 'cpu'}; next: ${next} --data ${data}`,
  ].join('\n');
}
