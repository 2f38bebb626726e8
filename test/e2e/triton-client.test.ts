/** An unchanged client of Triton, from the package registry, against an agent. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAgentCommand, startAgentProcess } from '../../agent/src/testing/agent-process.ts';
import { type LiveServer, startLiveServer } from '../../agent/src/testing/live-server.ts';
import { grayImage, makePartsBundle } from '../../agent/src/testing/parts-bundle.ts';
import { skipOrFail } from '../support/skip.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const FOLDER = join(import.meta.dirname, 'triton');
const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/flotilla-triton');
/** Written last: what the environment was made from. */
const DONE = join(CACHE, 'made-from.txt');

/** Python with Triton's client, or undefined where it cannot be had. */
async function openPython(): Promise<string | undefined> {
  const python = join(CACHE, 'bin/python');
  const requirements = join(FOLDER, 'requirements.txt');
  const wanted = await readFile(requirements, 'utf8');
  if (existsSync(DONE) && (await readFile(DONE, 'utf8')) === wanted) return python;
  try {
    await run('python3', ['-m', 'venv', '--clear', CACHE]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
    await writeFile(DONE, wanted);
    return python;
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : error;
    return skipOrFail("Triton's Python client", String(reason));
  }
}

const python = await openPython();

describe.skipIf(python === undefined)("Triton's Python client", () => {
  let server: LiveServer;
  let folder: string;
  let agent: Awaited<ReturnType<typeof startAgentProcess>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-triton-'));
    server = await startLiveServer();
    const bundle = await makePartsBundle(1);
    server.fleet.publishBundle(bundle);
    const active = server.fleet.deployment(bundle, { precision: 'fp32' });
    server.fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
    const data = join(folder, 'data');
    const claim = ['--server', server.api, '--token', 'clm_good', '--data', data];
    expect(await runAgentCommand('enroll', ...claim)).toMatchObject({ code: 0 });
    // what is sent at once is run together, however slowly a busy machine sends it
    agent = await startAgentProcess(data, '--batch-delay', '50');
    await until(
      'the model is ready',
      async () => (await fetch(`${agent.address}/v2/models/parts/ready`)).ok,
    );
  }, 60_000);
  afterAll(async () => {
    await agent?.end('SIGTERM');
    await server.close();
    await rm(folder, { recursive: true });
  });

  test('lists, describes, infers, and learns what went wrong', async () => {
    const image = join(folder, 'image.png');
    await writeFile(image, await grayImage(120));
    const host = agent.address.replace('http://', '');
    const { stdout } = await run(python ?? '', [join(FOLDER, 'client.py'), host, image]);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({
      live: true,
      ready: true,
      modelReady: true,
      versionReady: true,
      otherReady: false,
      server: { name: 'flotilla-agent' },
      model: { name: 'parts', versions: ['1'], inputs: [{ name: 'image', datatype: 'FP32' }] },
      config: { name: 'parts', backend: 'onnxruntime', max_batch_size: 8 },
      index: [{ name: 'parts', version: '1', state: 'READY' }],
      id: 'r1',
      shape: [1, 8],
      plainDiffers: expect.closeTo(0, 4),
      packedDiffers: 0,
      outputs: [told.model.outputs[0].name],
      label: expect.stringMatching(/\S/),
      togetherDiffers: expect.closeTo(0, 4),
      requests: 64,
      badShape: { status: '400', message: expect.stringContaining('[1,3,5,96]') },
      noModel: { status: '404', message: expect.stringContaining('no model runs in slot other') },
      load: { status: '400', message: expect.stringContaining('flotilla-agent load') },
    });
    expect(told.top).toHaveLength(3);
    expect(told.top[0]).toMatch(new RegExp(`^-?\\d+\\.\\d{6}:${told.argmax}:\\S`));
    // requests that wait for the model are run together
    expect(told.runs).toBeLessThan(64);
  }, 60_000);
});
