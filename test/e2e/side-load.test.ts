import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { convert } from '@flotilla/converters';
import { packBundle } from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  LOCAL_EXPIRY,
  readBundleFile,
  signTargets,
} from '@flotilla/protocol/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadParts, type Parts } from '../support/parts.ts';
import { type Running, run, start } from '../support/processes.ts';
import { seededRandom } from '../support/random.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
const KILLS = LONG ? 60 : 2;
/** A load takes about this long on an idle machine, from the start of the process. */
const SPAN_MS = 1800;

vi.setConfig({ testTimeout: 240_000 });

const own = createSigner(generateKeyPair());
let parts: Parts;
let folder: string;
let data: string;
let image: string;
const running: Running[] = [];

beforeAll(async () => {
  parts = await loadParts();
  folder = await mkdtemp(join(tmpdir(), 'flotilla-side-load-'));
  image = join(folder, 'nut.jpg');
  await writeFile(image, parts.clean.find(({ label }) => label === 'nut')?.bytes ?? '');
  await writeFile(join(folder, 'key.json'), JSON.stringify({ publicKey: own.publicKey }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  data = await mkdtemp(join(folder, 'device-'));
});
afterEach(async () => {
  for (const process of running.splice(0)) await process.stop();
});

/** Runs a command on the device to its end. */
const agent = (command: string, ...args: string[]) =>
  run('flotilla-agent', [command, ...args, '--data', data]);

async function told<T>(command: string, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await agent(command, ...args, '--json');
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

async function refused(reason: RegExp, command: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await agent(command, ...args);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(reason) });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
}

/** The bundle of a version as it was built, signed with the key of this test, in an epoch. */
async function bundleOf(version: 1 | 2 | 3, epoch = 0, signer = own): Promise<string> {
  const [name = ''] = (await readdir(parts.bundles(version))).filter((file) =>
    file.endsWith('.flotilla'),
  );
  const bundle = await readBundleFile(join(parts.bundles(version), name));
  const { manifestBytes, digest } = bundle;
  const path = `parts/${version}/x86-64/int8`;
  const targets = new Map([[path, { length: manifestBytes.length, digest, epoch }]]);
  const repository = createRepository(signer, { fleet: 'local', expiry: LOCAL_EXPIRY });
  const metadata = signTargets(repository, targets, signer, { expiry: LOCAL_EXPIRY });
  const file = join(folder, `${version}-${epoch}-${signer.keyId.slice(0, 8)}.flotilla`);
  await writeFile(file, Buffer.concat(await packBundle({ ...bundle, metadata })));
  return file;
}

/** What a restart would serve, as the journal says. */
async function committedVersion(): Promise<number | undefined> {
  const text = await readFile(join(data, 'journal.json'), 'utf8');
  const { slots } = JSON.parse(text) as {
    slots: Record<string, { active?: { version: number } }>;
  };
  return slots.parts?.active?.version;
}

/** The agent of the device, and a way to send it a bundle as `load` does. */
async function runAgent() {
  const args = ['run', '--data', data, '--http', '127.0.0.1:0', '--json'];
  const process = start('flotilla-agent', args);
  running.push(process);
  const { address } = JSON.parse(await process.line((line) => line.startsWith('{')));
  const token = await readFile(join(data, 'local-token'), 'utf8');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
  const upload = async (body: Uint8Array): Promise<unknown> => {
    const url = `${address}/v1/local/load?slot=next`;
    return (await fetch(url, { method: 'POST', headers, body: Buffer.from(body) })).json();
  };
  return { address: String(address), upload };
}

describe('a board without a server', () => {
  test('takes a bundle from a file, answers, and measures, with no agent that runs', async () => {
    const file = await bundleOf(2);
    const none = await agent('run');
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('flotilla-agent load') });
    await refused(/does not trust: .* flotilla-agent trust add KEY/, 'load', file);
    await told('trust', 'add', join(folder, 'key.json'), '--name', 'bench');
    expect(await told('load', file)).toMatchObject({
      slot: 'parts',
      version: 2,
      signedBy: 'bench',
      serving: false,
      attempt: { result: 'RESULT_COMMITTED', selfTest: { passed: true } },
    });
    const { stdout } = await agent('infer', 'parts', image);
    expect(stdout).toMatch(/nut\.jpg: nut \d+\.\d % \(version 2, /);
    expect(await told('status')).toMatchObject({ running: false, slots: [{ local: true }] });

    // what was measured here is what an optimization elsewhere goes by
    const measured = await told<{ models: object[] }>('bench', 'parts', file, '--runs', '20');
    expect(measured.models).toHaveLength(2);
    const [slot, again] = measured.models;
    expect(slot).toMatchObject({ runs: 20, target: 'x86-64', rssBytes: expect.any(Number) });
    expect(again).toMatchObject({ digest: (slot as { digest: string }).digest });
    const fp32 = { target: 'x86-64', precision: 'fp32', latencyMs: { p50: 5 } };
    const p50 = (slot as { latencyMs: { p50: number } }).latencyMs.p50;
    const measurementsFile = join(folder, 'bench.json');
    await writeFile(measurementsFile, JSON.stringify({ models: [fp32, slot] }));
    const { variants } = await convert({
      modelFile: join(parts.source(2), 'model.onnx'),
      version: 2,
      targets: ['x86-64'],
      precisions: ['int8'],
      calibration: parts.calibration,
      evaluation: parts.evaluation,
      measurementsFile,
      out: join(folder, 'again'),
      latencyRuns: 1,
    });
    expect(variants[0]?.latencyMs).toMatchObject({ fp32: 5, variant: p50 });
  });

  test('takes and gives back bundles while its agent runs, and refuses what is not right', async () => {
    await told('trust', 'add', own.publicKey);
    await told('load', await bundleOf(1, 1));
    const { address, upload } = await runAgent();
    const file = await bundleOf(2, 2);
    expect(await told('load', file, '--slot', 'next')).toMatchObject({ serving: true, version: 2 });
    const metadata = await (await fetch(`${address}/v2/models/next`)).json();
    expect(metadata).toMatchObject({ name: 'next', versions: ['2'] });

    const bytes = await readFile(file);
    const altered = Buffer.from(bytes);
    altered[bytes.length - 5000] = (bytes[bytes.length - 5000] ?? 0) ^ 1;
    const stranger = await readFile(await bundleOf(3, 2, createSigner(generateKeyPair())));
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [stranger, /does not trust: .* flotilla-agent trust add KEY/],
      [bytes.subarray(0, bytes.length - 5000), /it ends within blobs/],
      [altered, /content has digest .* was promised|not a valid bundle/],
      [
        await readFile(await bundleOf(1, 1)),
        /security epoch 1, and this device takes none below 2/,
      ],
    ];
    for (const [body, reason] of cases) {
      expect(await upload(body)).toMatchObject({ error: expect.stringMatching(reason) });
    }
    const foreign = await fetch(`${address}/v1/local/unload/parts`, { method: 'POST' });
    expect(foreign.status).toBe(401);
    expect(await told('unload', 'parts')).toEqual({ slot: 'parts', active: null });
    expect((await fetch(`${address}/v2/models/parts/ready`)).status).toBe(404);
  });

  test('has the old model or the new one when the load is killed at any moment', async () => {
    await told('trust', 'add', own.publicKey);
    await told('load', await bundleOf(1));
    const random = seededRandom(11);
    for (let kill = 0; kill < KILLS; kill++) {
      const [before, after] = kill % 2 === 0 ? ([1, 2] as const) : ([2, 1] as const);
      const file = await bundleOf(after);
      const loading = start('flotilla-agent', ['load', file, '--data', data]);
      await sleep(random() * SPAN_MS);
      await loading.kill9();
      expect([before, after]).toContain(await committedVersion());
      // the person loads it again
      expect(await told('load', file)).toMatchObject({ version: after });
      expect(await committedVersion()).toBe(after);
      const left = await readdir(join(data, 'blobs'));
      expect(left.filter((name) => name.includes('.'))).toEqual([]);
    }
  });
});
