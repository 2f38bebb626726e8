import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeLaunchState, type LaunchState } from '../../core/index.ts';
import { launch } from './launch.ts';

const TRIAL = { place: 'b', id: 'd 1', starts: 0, serving: [] } as const;
const HEALTHY = 'process.send({ healthy: true });';
const PRLIMIT = '/usr/bin/prlimit';
const FOR_EVER = 'setInterval(() => {}, 1000);';

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'flotilla-launch-'));
});
afterEach(() => rm(data, { recursive: true }));

/** An agent in a place of the device, which says what it was started with and then does that. */
async function place(name: 'a' | 'b', body: string, before = ''): Promise<void> {
  const folder = join(data, 'agent', name);
  const said = JSON.stringify(join(data, `${name}.json`));
  await mkdir(folder, { recursive: true });
  const main = `import { writeFileSync } from 'node:fs';
    ${before}
    const { argv, env, pid } = process;
    writeFileSync(${said}, JSON.stringify({ args: argv.slice(2), pid,
      place: env.FLOTILLA_AGENT_PLACE, trial: env.FLOTILLA_AGENT_TRIAL }));
    ${body}`;
  await writeFile(join(folder, 'main.mjs'), main);
  const starter = `#!/bin/sh\nexec '${process.execPath}' '${folder}/main.mjs' "$@"\n`;
  await writeFile(join(folder, 'flotilla-agent'), starter);
  await chmod(join(folder, 'flotilla-agent'), 0o755);
}

const file = () => join(data, 'agent/launch.json');

async function begin(state: Omit<LaunchState, 'format'>, stop = new AbortController()) {
  await mkdir(join(data, 'agent'), { recursive: true });
  await writeFile(file(), encodeLaunchState({ format: 1, ...state }));
  const log: string[] = [];
  const options = { data, args: ['--json'], env: { PATH: '/usr/bin:/bin' } };
  const code = launch({ ...options, log: (text) => log.push(text), stop: stop.signal });
  return { code, log, stop };
}

const said = async (name: 'a' | 'b') =>
  JSON.parse(await readFile(join(data, `${name}.json`), 'utf8'));
const state = async () => JSON.parse(await readFile(file(), 'utf8'));

describe('the launcher', () => {
  test('starts the proven agent, and ends as it ends', async () => {
    await place('a', 'process.exit(7);');
    const { code } = await begin({ active: 'a' });
    expect(await code).toBe(7);
    expect(await said('a')).toMatchObject({ args: ['run', '--json'], place: 'a', trial: '' });
  });

  test('passes the wish to end on, and takes the start of a trial back', async () => {
    const before = "process.on('SIGTERM', () => process.exit(0));";
    await place('b', `${HEALTHY} ${FOR_EVER}`, before);
    const trial = { ...TRIAL, upMs: 30_000, commitMs: 60_000 };
    const { code, stop } = await begin({ active: 'a', trial });
    await vi.waitFor(async () => expect(await said('b')).toMatchObject({ trial: 'd 1' }), 10_000);
    expect((await state()).trial.starts).toBe(1);
    stop.abort();
    expect(await code).toBe(0);
    expect((await state()).trial.starts).toBe(0);
  });

  test.each([
    ['that never reports healthy', FOR_EVER, { upMs: 2_000, commitMs: 60_000 }, 'update.not-up'],
    [
      'that is healthy and never committed',
      `${HEALTHY} ${FOR_EVER}`,
      { upMs: 60_000, commitMs: 2_000 },
      'update.not-committed',
    ],
  ])('ends a new agent %s, and starts the one before', async (_, body, times, code) => {
    await place('a', 'process.exit(7);');
    await place('b', body);
    const begun = await begin({ active: 'a', trial: { ...TRIAL, ...times } });
    expect(await begun.code).toBe(7);
    expect(await state()).toMatchObject({ active: 'a', failed: { id: 'd 1', code } });
    expect(begun.log.join()).toContain('back to the agent in a');
    const { pid } = await said('b');
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test('starts the one before where the files of the new one are gone', async () => {
    await place('a', 'process.exit(7);');
    const trial = { ...TRIAL, upMs: 1_000, commitMs: 1_000 };
    expect(await (await begin({ active: 'a', trial })).code).toBe(7);
    expect(await state()).toMatchObject({ active: 'a', failed: { code: 'update.not-started' } });
  });

  test('starts the other at once where an agent names it and makes way', async () => {
    await place('b', 'process.exit(7);');
    const next = JSON.stringify({ format: 1, active: 'b' });
    await place('a', `writeFileSync(${JSON.stringify(file())}, '${next}'); process.exit(75);`);
    expect(await (await begin({ active: 'a' })).code).toBe(7);
    expect(await said('b')).toMatchObject({ place: 'b' });
  });

  test.runIf(existsSync(PRLIMIT))('starts the proven agent where the disk is full', async () => {
    for (const [name, code] of [
      ['a', 7],
      ['b', 8],
    ] as const) {
      await place(name, '');
      await writeFile(join(data, 'agent', name, 'flotilla-agent'), `#!/bin/sh\nexit ${code}\n`);
    }
    const trial = { ...TRIAL, upMs: 60_000, commitMs: 60_000 };
    await writeFile(file(), encodeLaunchState({ format: 1, active: 'a', trial }));
    const main = fileURLToPath(new URL('./main.ts', import.meta.url));
    // no byte can be written to any file
    const limited = ['--fsize=0', '--', process.execPath, main, '--data', data];
    const ended = promisify(execFile)(PRLIMIT, limited, { env: { PATH: '/usr/bin:/bin' } });
    await expect(ended).rejects.toMatchObject({
      code: 7,
      stderr: expect.stringContaining('cannot be written'),
    });
    expect((await state()).trial).toEqual(trial);
  });

  test('runs once on a data folder', async () => {
    await place('a', `${FOR_EVER} process.on('SIGTERM', () => process.exit(0));`);
    const first = await begin({ active: 'a' });
    await vi.waitFor(() => said('a'), 10_000);
    const second = await begin({ active: 'a' });
    await expect(second.code).rejects.toMatchObject({ code: 'launch.in-use' });
    first.stop.abort();
    await first.code;
  });
});
