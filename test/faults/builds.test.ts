import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, createBed, type Server } from '../support/fleet.ts';
import { expectOneLine } from '../support/one-line.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { until } from '../support/until.ts';

/** A machine under load starts processes slowly. */
vi.setConfig({ testTimeout: 120_000 });

interface Version {
  readonly status: string;
  readonly build: { readonly status: string; readonly error: string };
  readonly variants: readonly { readonly target: string; readonly precision: string }[];
}

let bed: Bed;
let parts: Parts;
let server: Server;

beforeAll(async () => {
  parts = await loadParts();
  bed = await createBed();
  server = await bed.server();
}, 180_000);
afterAll(() => bed.close());

const push = (folder: string, ...options: string[]) => {
  const data = ['--calibration', parts.calibration, '--evaluate', parts.evaluation];
  const wanted = ['--targets', 'x86-64,raspberry-pi-5', '--precisions', 'int8,fp32'];
  return server.cli('model', 'push', folder, ...wanted, ...data, ...options);
};
const version = (number: number) => server.api.get<Version>(`/models/parts/versions/${number}`);

test('a build that a crash of the server cuts short is made after the restart', async () => {
  expect((await push(parts.source(1), '--no-wait')).code).toBe(0);
  await until('the build to run', async () => (await version(1)).build.status === 'running');
  await server.kill9();
  await server.restart();
  const built = await until('the build to end', async () => {
    const seen = await version(1);
    return seen.status !== 'building' && seen;
  });
  expect(built).toMatchObject({ status: 'ready', build: { status: 'succeeded', error: '' } });
  expect(built.variants.length).toBe(4);
});

test('a push that breaks off is no version', async () => {
  const headers = { 'content-type': 'application/x-tar' };
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(1000).fill(1));
      controller.error(new Error('the line is cut'));
    },
  });
  const init: RequestInit & { duplex: string } = { method: 'POST', headers, body, duplex: 'half' };
  await expect(server.api.send('/models/parts/versions', init)).rejects.toThrow();
  const { items } = await server.api.get<{ items: unknown[] }>('/models/parts/versions');
  expect(items.length).toBe(1);
});

test('a model that is cut off fails its build in one line, and the server builds the next', async () => {
  const folder = join(bed.folder, 'damaged');
  await cp(parts.source(2), folder, { recursive: true });
  const model = await readFile(join(folder, 'model.onnx'));
  await writeFile(join(folder, 'model.onnx'), model.subarray(0, 100_000));
  expectOneLine(await push(folder), /model\.onnx is not a readable ONNX model/, 1);
  const failed = (
    await server.api.get<{ items: { version: number }[] }>('/models/parts/versions')
  ).items.at(-1);
  expect(await version(failed?.version ?? 0)).toMatchObject({ status: 'failed', variants: [] });
  const { code, stderr } = await push(parts.source(3), '--targets', 'x86-64');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
