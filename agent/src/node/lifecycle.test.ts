import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type RunningProcess,
  runAgentCommand,
  startAgentProcess,
} from '../testing/agent-process.ts';
import { type LiveServer, startLiveServer } from '../testing/live-server.ts';
import { grayImage, makePartsBundle } from '../testing/parts-bundle.ts';

const slow = { interval: 20, timeout: 90_000 };
vi.setConfig({ testTimeout: 240_000 });

let server: LiveServer;
let folder: string;
let data: string;
const processes: RunningProcess[] = [];

beforeEach(async () => {
  server = await startLiveServer();
  folder = await mkdtemp(join(tmpdir(), 'flotilla-agent-'));
  data = join(folder, 'device');
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((running) => running.end('SIGKILL')));
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const enroll = (token = 'clm_good', at = server.api) =>
  runAgentCommand('enroll', '--server', at, '--token', token, '--data', data, '--tag', 'site=lyon');

async function run(...args: string[]): Promise<RunningProcess> {
  const running = await startAgentProcess(data, ...args);
  processes.push(running);
  return running;
}

async function want(version: number, fields = {}): Promise<void> {
  const bundle = await makePartsBundle(version);
  server.fleet.publishBundle(bundle);
  const active = server.fleet.deployment(bundle, { precision: 'fp32', ...fields });
  server.fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
}

const committed = (count: number) =>
  vi.waitFor(() => {
    const results = server.fleet.outcomes().map(({ result }) => result);
    expect(results.filter((result) => result === 'RESULT_COMMITTED')).toHaveLength(count);
  }, slow);

async function infer(
  address: string,
  image: Uint8Array,
): Promise<{ status: number; body: Answer }> {
  const tensor = {
    name: 'image',
    shape: [1],
    datatype: 'BYTES',
    data: [Buffer.from(image).toString('base64')],
  };
  const response = await fetch(`${address}/v2/models/parts/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [tensor] }),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

interface Answer {
  readonly id: string;
  readonly model_version: string;
  readonly outputs: readonly { readonly name: string; readonly data: readonly unknown[] }[];
}

describe('a device', () => {
  test('enrolls, takes a model, serves images, reports windows, and takes the next model', async () => {
    expect(await enroll()).toMatchObject({ code: 0, stderr: '' });
    await want(1);
    const agent = await run('--telemetry-window', '500');
    await committed(1);
    expect(server.fleet.state).toMatchObject({ online: true, capabilities: { target: 'x86-64' } });

    const image = await grayImage(120);
    const first = await infer(agent.address, image);
    expect(first).toMatchObject({ status: 200, body: { model_version: '1' } });
    const names = first.body.outputs.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['logits', 'label', 'confidence', 'class_index']));

    for (let i = 0; i < 9; i++) await infer(agent.address, image);
    await vi.waitFor(() => {
      const total = server.windows().reduce((sum, { inferences = 0 }) => sum + inferences, 0);
      expect(total).toBe(10);
    }, slow);
    const [window] = server.windows();
    expect(window).toMatchObject({ slot: 'parts', version: 1, lengthMs: 500, errors: 0 });
    expect((window?.startMs ?? 1) % 500).toBe(0);
    expect(window?.features?.[0]?.name).toBe('image.brightness');

    const said = first.body.outputs.find(({ name }) => name === 'label')?.data[0];
    const right = await runAgentCommand('label', 'parts', first.body.id, `${said}`, '--data', data);
    expect(right).toMatchObject({ code: 0, stdout: 'parts was right\n' });
    await vi.waitFor(() => {
      const labels = server.windows().filter(({ labeled }) => labeled);
      expect(labels).toMatchObject([{ version: 1, labeled: 1, correct: 1 }]);
    }, slow);

    const file = join(folder, 'gray.png');
    await writeFile(file, image);
    const told = await runAgentCommand('infer', 'parts', file, '--data', data);
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toMatch(/gray\.png: \S.* % \(version 1, /);

    await want(2);
    await committed(2);
    expect(await infer(agent.address, image)).toMatchObject({ body: { model_version: '2' } });
    const status = await runAgentCommand('status', '--data', data, '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      online: true,
      slots: [{ active: { version: 2 } }],
    });
    await vi.waitFor(async () => expect(await readdir(join(data, 'blobs'))).toHaveLength(8), slow);

    expect(await agent.end('SIGTERM')).toBe(0);
    expect(server.fleet.state?.online).toBe(false);
  });

  test('runs a shadow beside its model, on a thread of its own, and again after a kill', async () => {
    await enroll();
    const [active, shadow] = await Promise.all(
      [1, 2].map(async (version) => {
        const bundle = await makePartsBundle(version);
        server.fleet.publishBundle(bundle);
        const plan = { samplePermille: 1000, busyPermille: 900 };
        const fields = version === 1 ? {} : { shadow: plan };
        return server.fleet.deployment(bundle, { precision: 'fp32', ...fields });
      }),
    );
    if (active === undefined || shadow === undefined) throw new Error('no bundles');
    server.fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active, shadow }] });
    const image = await grayImage(120);
    const compared = () =>
      server.windows().flatMap(({ role, deployment, comparison }) => {
        const isOurs = role === 'ROLE_SHADOW' && deployment === shadow.id;
        return isOurs && comparison?.compared ? [comparison] : [];
      });
    const comesWith = (agent: RunningProcess) =>
      vi.waitFor(async () => {
        expect(await infer(agent.address, image)).toMatchObject({ body: { model_version: '1' } });
        expect(compared()).not.toEqual([]);
      }, slow);
    const agent = await run('--telemetry-window', '500');
    await committed(2);
    await comesWith(agent);
    // the same weights under another version say the same, and in about the same time, too, in a
    // window in which nothing else takes the processor from one of the two
    await vi.waitFor(async () => {
      await infer(agent.address, image);
      const means = compared().map(({ logLatencyRatio }) => Math.abs(logLatencyRatio?.mean ?? 9));
      expect(Math.min(...means)).toBeLessThan(1);
    }, slow);
    for (const { agreed, compared: all } of compared()) expect(agreed).toBe(all);
    await agent.end('SIGKILL');
    server.fleet.records.clear();
    const again = await run('--telemetry-window', '500');
    await comesWith(again);
    expect((await runAgentCommand('status', '--data', data)).stdout).toContain(
      'beside it the shadow parts@2 fp32',
    );
    await vi.waitFor(() => expect(server.fleet.state?.uncleanStarts).toBe(1), slow);
  });

  test('goes on where a broken download ended', async () => {
    await enroll();
    server.breakAfter = 100_000;
    await want(1);
    await run();
    await committed(1);
    expect(server.ranges.length).toBeGreaterThan(1);
  });

  test('comes back after its connection is lost, and after a kill serves before it connects', async () => {
    await enroll();
    await want(1);
    const agent = await run();
    await committed(1);
    const seq = server.fleet.state?.connectSeq ?? 0;
    server.drop();
    await vi.waitFor(() => expect(server.fleet.state?.connectSeq).toBe(seq + 1), slow);
    await agent.end('SIGKILL');
    await server.close();
    const again = await run();
    expect(await infer(again.address, await grayImage(90))).toMatchObject({ status: 200 });
  });

  test('says in one line what is wrong', async () => {
    const line = async (finished: ReturnType<typeof runAgentCommand>, code: number) => {
      const { stderr, ...rest } = await finished;
      expect(rest.code).toBe(code);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      return stderr;
    };
    expect(await line(runAgentCommand('run', '--data', data), 2)).toContain('no enrolled device');
    expect(await line(enroll('clm_spent'), 1)).toContain('used up');
    await expect(readdir(data)).rejects.toThrow();
    expect(await line(enroll('clm_good', 'http://127.0.0.1:1'), 1)).toContain('does not answer');
    expect(await line(enroll('clm_good', 'nowhere'), 2)).toContain('--server');
    await enroll();
    expect(await line(enroll(), 2)).toContain('already');
    expect(await runAgentCommand('status', '--data', data)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no agent runs here'),
    });
    const agent = await run();
    expect(await line(runAgentCommand('run', '--data', data), 2)).toContain(
      `process ${agent.child.pid}`,
    );
    expect(
      await line(runAgentCommand('infer', 'parts', 'missing.jpg', '--data', data), 1),
    ).toContain('no model');
  });
});
