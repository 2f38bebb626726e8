import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiDevice } from '../support/api.ts';
import { commandsIn, commandsOf, type ShownCommand } from '../support/commands.ts';
import { type Bed, createBed } from '../support/fleet.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { freePort } from '../support/ports.ts';
import { type Running, run, start } from '../support/processes.ts';
import type { CommandName } from '../support/programs.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAMS = ['flotilla', 'flotilla-agent'] as const;
/** Words at the beginning of a line that are no commands: commander's own, and the programs in examples. */
const OTHERS = ['help', ...PROGRAMS] as readonly string[];

/** `command` and, where it has any, `command sub`, with what their `--help` prints. */
const helps = new Map<string, string>();

beforeAll(async () => {
  for (const program of PROGRAMS) {
    const overview = await help(program);
    for (const [, name = ''] of overview.matchAll(/^ {2}([a-z-]+)\b/gm)) {
      if (OTHERS.includes(name)) continue;
      const own = await help(program, name);
      const [, subs = ''] = /^Commands:\n([\s\S]*?)\n\n/m.exec(own) ?? [];
      for (const [, sub = ''] of subs.matchAll(/^ {2}([a-z]+)\b/gm)) {
        if (!OTHERS.includes(sub)) await help(program, name, sub);
      }
    }
  }
}, 180_000);

/** Commands run from their source here, as in a checkout; the other suites run what is published. */
const inCheckout = (source: CommandName) => ({ source });

async function help(program: CommandName, ...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(inCheckout(program), [...command, '--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  helps.set([program, ...command].join(' '), stdout);
  return stdout;
}

/** What a shown command names that there is not: a command, or an option. */
function unknownIn({ where, program, args }: ShownCommand): string[] {
  const [command = '', sub = ''] = args;
  const name = [`${program} ${command} ${sub}`, `${program} ${command}`].find((it) =>
    helps.has(it),
  );
  const text = helps.get(name ?? '');
  if (text === undefined) return [`${where}: no command ${program} ${command}`];
  const options = args
    .filter((word) => /^--?[a-z]/.test(word))
    .map((word) => word.split('=', 1)[0]);
  return options
    .filter((option) => !new RegExp(`(^|[ ,])${option}\\b`, 'm').test(text))
    .map((option) => `${where}: ${name} has no option ${option}`);
}

describe('help', () => {
  test('of every command has an example', () => {
    const commands = [...helps.keys()].filter(
      (name) => name.split(' ').length === 2 || name.startsWith('flotilla '),
    );
    expect(commands.length).toBeGreaterThanOrEqual(17);
    for (const name of commands) {
      const [, examples = ''] = /Examples?:?\n([\s\S]*)$/.exec(helps.get(name) ?? '') ?? [];
      expect({ name, examples }).toEqual({ name, examples: expect.stringMatching(/^ {2}\S/m) });
      expect(commandsIn(examples, name).flatMap(unknownIn)).toEqual([]);
    }
  });

  test('of the whole names every command', () => {
    for (const program of PROGRAMS) expect(helps.get(program)).toMatch(/COMMAND --help/);
  });
});

test('every command in README and docs exists with the options that are shown', async () => {
  const docs = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const files = ['README.md', ...docs.map((name) => `docs/${name}`)];
  const blocks = await Promise.all(files.map((file) => commandsOf(join(ROOT, file), file)));
  const shown = blocks.flat(2);
  expect(shown.length).toBeGreaterThanOrEqual(9);
  expect(shown.flatMap(unknownIn)).toEqual([]);
});

describe('the commands of the README, as they stand', () => {
  let folder: string;
  let parts: Parts;
  let bed: Bed;
  let blocks: ShownCommand[][];
  const running: Running[] = [];

  beforeAll(async () => {
    parts = await loadParts();
    bed = await createBed();
    folder = await mkdtemp(join(tmpdir(), 'flotilla-readme-'));
    await cp(join(ROOT, 'examples'), join(folder, 'examples'), {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    await cp(parts.evaluation, join(folder, 'images'), { recursive: true });
    blocks = await commandsOf(join(ROOT, 'README.md'), 'README.md');
  });
  afterAll(async () => {
    for (const process of running.reverse()) await process.stop();
    await bed.close();
    await rm(folder, { recursive: true, force: true });
  });

  const blockWith = (word: string) => {
    const block = blocks.find((commands) => commands.some(({ args }) => args[0] === word));
    if (block === undefined) throw new Error(`README shows no ${word}`);
    return block;
  };

  test('optimize a model on one board', async () => {
    for (const { program, args } of blockWith('optimize')) {
      const { code, stderr } = await run(inCheckout(program), args, bed.env, folder);
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
    }
    expect(await readdir(join(folder, 'out'))).toContainEqual(expect.stringMatching(/\.flotilla$/));
  });

  /** Addresses and secrets stand for those of this run. */
  test('run a fleet, from the server to a rollout', { timeout: 180_000 }, async () => {
    const known: Record<string, string> = {};
    let env = bed.env;
    for (const { program, args } of blockWith('serve')) {
      const words = args.map((word) => known[word] ?? word);
      if (args[0] === 'serve') {
        const ports = ['--port', `${await freePort()}`, '--mqtt-port', `${await freePort()}`];
        const server = start(inCheckout(program), [...words, ...ports, '--json'], env, folder);
        running.push(server);
        const { url, adminToken } = JSON.parse(await server.line((line) => line.startsWith('{')));
        known['http://127.0.0.1:8080'] = url;
        env = { ...env, FLOTILLA_SERVER: url, FLOTILLA_TOKEN: adminToken };
      } else if (args[0] === 'run') {
        const free = words.map((word) => (word.startsWith('127.0.0.1:') ? '127.0.0.1:0' : word));
        const agent = start(inCheckout(program), [...free, '--json'], env, folder);
        running.push(agent);
        await agent.line((line) => line.startsWith('{'));
      } else {
        // a rollout soaks for minutes before it ends
        const brief = words.filter((word) => word !== '--watch');
        const { code, stdout, stderr } = await run(inCheckout(program), brief, env, folder);
        expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
        if (args[0] === 'token') known['flc_…'] = stdout.split('\n', 1)[0] ?? '';
      }
    }
    await until('the device at the version that was rolled out', async () => {
      const { stdout } = await run(inCheckout('flotilla'), ['device', 'list', '--json'], env);
      const { devices } = JSON.parse(stdout) as { devices: ApiDevice[] };
      return devices[0]?.active[0]?.version === 1;
    });
  });
});
