/** The agent's package for arm64 in a fleet, beside an agent of this machine with the same bundles. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { convert } from '@flotilla/converters';
import type { Capabilities } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { arm64 } from '../support/arm64.ts';
import { infer, inferOutputs, startFeeder } from '../support/feeder.ts';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { startHttpProxy } from '../support/http-proxy.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { run, start } from '../support/processes.ts';
import { seededRandom } from '../support/random.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

const machine = await arm64();
const LONG = process.env.FLOTILLA_LONG === '1';
const KILLS = LONG ? 20 : 0;
/** An answer takes about a second under qemu. */
const COMPARED = LONG ? 6 : 3;
vi.setConfig({ testTimeout: 300_000 + KILLS * 60_000, hookTimeout: 300_000 });

const VERSIONS = { 1: 'int8', 2: 'fp32' } as const;
type Version = keyof typeof VERSIONS;
/** Largest difference of a logit: some steps of an int8 activation, and sums in another order. */
const TOLERANCE = { int8: 0.5, fp32: 0.001 } as const;
/** Model and golden samples of a bundle are larger, all else is smaller. */
const LARGE_BYTES = 100_000;
const STEP_MS = 240_000;
/** A deployment takes about this long under qemu, from the start of the process. */
const SPAN_MS = 10_000;
/** Requests take more than that under qemu: the next one must not wait for the last. */
const FRAME_MS = 250;

describe.skipIf(machine === undefined)('the packed agent on arm64', () => {
  const agent = { path: machine?.agent ?? '' };
  let parts: Parts;
  let bed: Bed;
  let server: Server;
  let press: Device;
  /** Runs what `press` runs, on this machine. */
  let peer: Device;
  const closers: (() => Promise<unknown>)[] = [];

  /** Ranges that were asked for of large blobs, where one was. */
  const downloads: (string | undefined)[] = [];
  let line: 'whole' | 'breaks' | 'broken' = 'whole';
  const relay = (path: string, body: Buffer, range: string | undefined) => {
    if (!path.includes('/blobs/') || body.length < LARGE_BYTES / 2) return body;
    downloads.push(range);
    if (line !== 'breaks') return body;
    line = 'broken';
    return { only: body.subarray(0, body.length >> 1) };
  };

  beforeAll(async () => {
    parts = await loadParts();
    bed = await createBed();
    closers.push(bed.close);
    const proxy = await startHttpProxy(() => server.httpPort, relay);
    closers.push(proxy.close);
    server = await bed.server({ args: ['--public-url', proxy.url] });
    await push(1);
    await push(2);
    const options = { server: proxy.url, token: await server.claimToken(2) };
    peer = await bed.device('peer', { ...options, target: 'raspberry-pi-4' });
    press = await bed.device('press', { ...options, target: '', agent });
  });
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });

  async function push(version: Version): Promise<void> {
    const out = join(bed.folder, `v${version}`);
    const { calibration, evaluation } = parts;
    await convert({
      modelFile: join(parts.source(version), 'model.onnx'),
      version,
      targets: ['raspberry-pi-4'],
      precisions: [VERSIONS[version]],
      calibration,
      evaluation,
      out,
      latencyRuns: 3,
    });
    const pushed = await server.cli('model', 'push', out, '--name', 'parts');
    expect(pushed).toMatchObject({ code: 0, stderr: '' });
  }

  async function deploy(version: Version, devices: string): Promise<void> {
    const id = await rollOut(server.api, version, { devices, deadlineMs: STEP_MS });
    expect(await untilEnded(server.api, id, STEP_MS)).toMatchObject({ state: 'done' });
  }

  async function crash(): Promise<void> {
    await press.kill9();
    await press.restart();
  }

  /** What the device has of a blob that is not yet whole. */
  async function bytesOfParts(): Promise<number> {
    const folder = join(press.data, 'blobs');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.part'));
    const files = await Promise.all(names.map((name) => stat(join(folder, name))));
    return files.reduce((sum, { size }) => sum + size, 0);
  }

  async function answersAsHere(version: Version, url = press.url): Promise<void> {
    const most = TOLERANCE[VERSIONS[version]];
    for (const { bytes } of parts.clean.slice(0, COMPARED)) {
      const there = await inferOutputs(url, 'parts', bytes);
      const here = await inferOutputs(peer.url, 'parts', bytes);
      expect(there).toMatchObject({ version, outputs: { label: here.outputs.label } });
      expect(here.outputs.logits?.length).toBeGreaterThan(1);
      for (const [i, logit] of (here.outputs.logits ?? []).entries()) {
        expect(Math.abs(Number(there.outputs.logits?.[i]) - Number(logit))).toBeLessThan(most);
      }
    }
  }

  test('tells the server what board it runs on', async () => {
    type Shown = { online: boolean; target: string; capabilities: Partial<Capabilities> };
    const { capabilities, target } = await until('the birth of the device', async () => {
      const shown = await server.api.get<Shown>(`/devices/${press.id}`);
      return shown.online && shown;
    });
    expect(target).toBe('raspberry-pi-4');
    expect(capabilities).toMatchObject({
      declared: false,
      arch: 'aarch64',
      board: 'Raspberry Pi 4 Model B Rev 1.4',
      soc: 'brcm,bcm2711',
      cpuModel: 'Cortex-A72',
      cores: 4,
      cpuFeatures: ['asimd'],
      cameras: ['ov5647 10-0036 (csi)'],
    });
    expect(capabilities.runtimes?.map(({ name }) => name)).toEqual(['onnxruntime', 'tflite']);
  });

  test('examines board, runtimes and self-test', async () => {
    const data = ['--data', press.data];
    const { stdout } = await run(agent, ['doctor', '--json', ...data], bed.env);
    const { checks } = JSON.parse(stdout) as { checks: { name: string }[] };
    const said = (name: string) => checks.find((check) => check.name === name);
    expect(said('board')).toMatchObject({
      verdict: 'ok',
      finding: expect.stringContaining('Raspberry Pi 4 Model B Rev 1.4'),
    });
    expect(said('processor')).toMatchObject({ finding: expect.stringContaining('4 × Cortex-A72') });
    expect(said('runtimes')).toMatchObject({ verdict: 'ok' });
    expect(said('self-test')).toMatchObject({ verdict: 'ok' });
  });

  test('takes a model in int8 and one in fp32, and is killed meanwhile', async () => {
    await deploy(1, 'name = peer');
    line = 'breaks';
    const first = deploy(1, 'name = press');
    await until('a part of a blob', async () => line === 'broken' && (await bytesOfParts()) > 0);
    const before = downloads.length;
    await crash();
    await until('the self-test', async () => {
      const { attempts } = await press.status();
      return attempts[0]?.step === 'selfTest';
    });
    expect(downloads[before]).toMatch(/^bytes=[1-9]\d*-$/);
    await crash();
    await first;
    expect((await press.status()).attempts).toMatchObject([
      { attempt: 1, result: 'RESULT_COMMITTED', selfTest: { passed: true, provider: 'cpu' } },
    ]);
    await answersAsHere(1);

    const feeder = startFeeder(press, 'parts', parts.clean, FRAME_MS);
    closers.push(feeder.stop);
    await deploy(2, 'all');
    await feeder.stop();
    expect(feeder).toMatchObject({ broken: 0 });
    expect(feeder.answers.length).toBeGreaterThan(0);
    await answersAsHere(2);

    const { slots, attempts } = await press.status();
    const loaded = downloads.length;
    const frames = parts.clean.slice(0, 4);
    const open = frames.map(({ bytes }) => infer(press.url, 'parts', bytes));
    const [cut] = await Promise.all([Promise.allSettled(open), crash()]);
    expect(cut).toContainEqual(expect.objectContaining({ status: 'rejected' }));
    expect(await press.status()).toMatchObject({ slots, attempts });
    await answersAsHere(2);
    expect(downloads).toHaveLength(loaded);
  });

  test('runs the model through the C API of a library that the board has', async () => {
    await press.stop();
    const library = ['--ort-library', machine?.ortLibrary ?? ''];
    const where = ['--data', press.data, '--http', '127.0.0.1:0', '--json', ...library];
    const running = start(agent, ['run', ...where], bed.env);
    closers.push(running.stop);
    const said = await running.line((text) => text.startsWith('{'));
    const { address } = JSON.parse(said) as { address: string };
    await answersAsHere(2, address);
    const status = await (await fetch(`${address}/flotilla/1/status`)).json();
    expect(status).toMatchObject({ slots: [{ runtime: 'onnxruntime-device', provider: 'cpu' }] });
    await running.stop();
  });

  test.skipIf(KILLS === 0)(`serves one model or the other after ${KILLS} kills`, async () => {
    await press.stop();
    await press.restart();
    const random = seededRandom(4);
    let version: Version = 2;
    for (let kill = 0; kill < KILLS; kill++) {
      version = version === 1 ? 2 : 1;
      const deployed = deploy(version, 'all');
      await sleep(random() * SPAN_MS);
      await crash();
      const [frame] = parts.clean;
      const answer = await infer(press.url, 'parts', frame?.bytes ?? new Uint8Array());
      expect([1, 2]).toContain(answer.version);
      await deployed;
      await answersAsHere(version);
    }
  });
});
