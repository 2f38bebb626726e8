import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLimited } from './limited.ts';

/** A module of its own for each test, in a folder that goes away. */
describe('runLimited', () => {
  let folder: string;
  let modules = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-limited-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function script(body: string): Promise<URL> {
    const file = join(folder, `task-${modules++}.mjs`);
    await writeFile(file, body);
    return pathToFileURL(file);
  }

  async function run(body: string, options: { memoryBytes?: number; timeoutMs?: number } = {}) {
    return runLimited({
      script: await script(body),
      name: 'the trial',
      input: { n: 2, bytes: new Uint8Array([1, 2]) },
      timeoutMs: 30_000,
      ...options,
    });
  }

  it('gives back what the function returns, with typed arrays whole', async () => {
    const result = await run('export const run = ({ n, bytes }) => ({ n: n + 1, bytes });');
    expect(result).toEqual({ n: 3, bytes: new Uint8Array([1, 2]) });
  });

  it('passes progress on in order', async () => {
    const seen: number[] = [];
    await runLimited<undefined, number>({
      script: await script(
        'export async function run(n, report) { for (let i = 0; i < n; i++) report(i); }',
      ),
      name: 'the trial',
      input: 5,
      timeoutMs: 30_000,
      onProgress: (value) => seen.push(value),
    });
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('carries a FlotillaError over with code and context', async () => {
    const protocol = import.meta.resolve('@flotilla/protocol');
    const body = `import { FlotillaError } from '${protocol}';
      export function run() { throw new FlotillaError('model.not-found', { file: 'a.onnx' }); }`;
    await expect(run(body)).rejects.toMatchObject({
      code: 'model.not-found',
      context: { file: 'a.onnx' },
    });
  });

  it('knows a FlotillaError of another bundle by its shape', async () => {
    const body = `export function run() {
      throw Object.assign(new Error('x'), { name: 'FlotillaError', code: 'spec.not-found', context: { tried: 'm' } });
    }`;
    await expect(run(body)).rejects.toMatchObject({ code: 'spec.not-found' });
  });

  it('says what another error was', async () => {
    await expect(
      run('export function run() { throw new Error("no luck"); }'),
    ).rejects.toMatchObject({ code: 'child.failed', message: expect.stringContaining('no luck') });
  });

  it('survives an abort and names the signal', async () => {
    await expect(run('export function run() { process.abort(); }')).rejects.toMatchObject({
      code: 'child.crashed',
      context: { task: 'the trial', signal: 'SIGABRT' },
    });
  });

  it('ends a child that spins', async () => {
    await expect(
      run('export function run() { for (;;); }', { timeoutMs: 1000 }),
    ).rejects.toMatchObject({ code: 'child.timeout', context: { seconds: 1 } });
  });

  it('refuses memory beyond the limit, asked for at once or in pieces', async () => {
    const memoryBytes = 1 << 30;
    const atOnce = 'export const run = () => new Uint8Array(4e9).fill(1).length;';
    await expect(run(atOnce, { memoryBytes })).rejects.toMatchObject({
      code: 'child.out-of-memory',
      context: { limitMiB: 1024 },
    });
    const pieces = `export function run() {
      const all = [];
      for (;;) all.push(Array.from({ length: 1e5 }, (_, i) => ({ i })));
    }`;
    await expect(run(pieces, { memoryBytes })).rejects.toMatchObject({
      code: 'child.out-of-memory',
    });
  });

  it('stops on request', async () => {
    const controller = new AbortController();
    const running = runLimited({
      script: await script(
        'export async function run(_, report) { await report(1); await new Promise((r) => setTimeout(r, 60000)); }',
      ),
      name: 'the trial',
      input: null,
      timeoutMs: 30_000,
      onProgress: () => controller.abort(),
      signal: controller.signal,
    });
    await expect(running).rejects.toMatchObject({ code: 'child.aborted' });
  });

  it('keeps the environment of the parent to itself', async () => {
    const names = await run('export const run = () => Object.keys(process.env).sort();');
    expect(names).toEqual(['HOME', 'PATH', 'TMPDIR']);
  });

  it('says so where the child ends without a result', async () => {
    await expect(run('export function run() { process.exit(3); }')).rejects.toMatchObject({
      code: 'child.failed',
      message: expect.stringContaining('exit code 3'),
    });
    await expect(run('export const other = 1;')).rejects.toMatchObject({
      message: expect.stringContaining('exports no function run'),
    });
  });
});
