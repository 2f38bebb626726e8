import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestHex } from '@flotilla/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentStatus } from '../core/index.ts';
import {
  type RunningProcess,
  runAgentCommand,
  startAgentProcess,
} from '../testing/agent-process.ts';
import { DEVICE_LIBRARY } from '../testing/device-library.ts';
import { type LiveServer, startLiveServer } from '../testing/live-server.ts';
import { makePartsBundle } from '../testing/parts-bundle.ts';
import type { SignedBundle } from '../testing/test-fleet.ts';
import { makeTfliteBundle } from '../testing/tflite-bundle.ts';

const slow = { interval: 20, timeout: 90_000 };
vi.setConfig({ testTimeout: 240_000 });

let server: LiveServer;
let data: string;
let agent: RunningProcess | undefined;

beforeEach(async () => {
  server = await startLiveServer();
  data = join(await mkdtemp(join(tmpdir(), 'flotilla-runtimes-')), 'device');
  await runAgentCommand('enroll', '--server', server.api, '--token', 'clm_good', '--data', data);
});

afterEach(async () => {
  await agent?.end('SIGKILL');
  await server.close();
  await rm(join(data, '..'), { recursive: true, force: true });
});

async function want(name: string, bundle: SignedBundle): Promise<void> {
  server.fleet.publishBundle(bundle);
  const active = server.fleet.deployment(bundle, { precision: 'fp32', model: name });
  server.fleet.want({ slots: [{ name, mode: 'MODE_PRESENT', active }] });
}

const committed = (count: number) =>
  vi.waitFor(() => {
    const outcomes = server.fleet.outcomes();
    expect(outcomes.map(({ code, detail }) => `${code}${detail}`).join('')).toBe('');
    expect(outcomes).toHaveLength(count);
  }, slow);

async function status(): Promise<AgentStatus> {
  const { stdout } = await runAgentCommand('status', '--data', data, '--json');
  return JSON.parse(stdout);
}

describe('the runtimes of a device', () => {
  test("a model runs on the device's own library, and the server hears why not on others", async () => {
    const first = await makePartsBundle(1);
    await want('parts', first);
    agent = await startAgentProcess(
      data,
      '--ort-library',
      DEVICE_LIBRARY,
      '--providers',
      'acme,auto',
    );
    await committed(1);
    const took = { runtime: 'onnxruntime-device', provider: 'cpu' };
    const fallbacks = [
      expect.stringMatching(/^onnxruntime-device\/acme: /),
      expect.stringMatching(/^onnxruntime\/acme: /),
    ];
    expect(server.fleet.outcomes()).toMatchObject([{ selfTest: { ...took, fallbacks } }]);
    expect(server.fleet.state?.capabilities?.runtimes?.map(({ name }) => name)).toEqual([
      'onnxruntime-device',
      'onnxruntime',
      'tflite',
    ]);
    expect((await status()).slots).toMatchObject([{ slot: 'parts', ...took, fallbacks }]);
    const { stdout } = await runAgentCommand('status', '--data', data);
    expect(stdout).toContain('parts@1 fp32, on onnxruntime-device (cpu)');
    expect(stdout).toContain('not on onnxruntime-device/acme: ');

    const cache = join(data, 'cache', digestHex(first.digest));
    await mkdir(cache, { recursive: true });
    await writeFile(join(cache, 'engine'), 'as TensorRT keeps it');
    await want('parts', await makePartsBundle(2));
    await committed(2);
    await vi.waitFor(() => expect(existsSync(cache)).toBe(false), slow);
  });

  test('a model for TFLite runs on TFLite', async () => {
    await want('sum', await makeTfliteBundle(1));
    agent = await startAgentProcess(data, '--ort-library', 'none');
    await committed(1);
    const took = { runtime: 'tflite', provider: 'cpu', fallbacks: [] };
    expect(server.fleet.outcomes()).toMatchObject([{ selfTest: took }]);
    const tensor = (name: string, values: readonly number[]) => ({
      name,
      shape: [3],
      datatype: 'FP32',
      data: values,
    });
    const response = await fetch(`${agent.address}/v2/models/sum/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: [tensor('a', [1, -2, 3]), tensor('b', [1, 1, 1])] }),
    });
    const { outputs } = (await response.json()) as { outputs: { name: string; data: number[] }[] };
    expect(outputs).toMatchObject([
      { name: 'sum', data: [2, -1, 4] },
      { name: 'positive', data: [1, 0, 3] },
    ]);
  });
});
