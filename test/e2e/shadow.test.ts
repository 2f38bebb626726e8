import { afterEach, expect, test } from 'vitest';
import { startFeeder } from '../support/feeder.ts';
import { type Bed, createBed } from '../support/fleet.ts';
import { loadParts } from '../support/parts.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { until } from '../support/until.ts';

let bed: Bed | undefined;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await bed?.close();
});

interface Comparison {
  readonly sentence: string;
  readonly shadow: { readonly compared: number; readonly agreement: number };
}

test('a version is measured in the lab, compared as a shadow, and promoted', {
  timeout: 180_000,
}, async () => {
  const parts = await loadParts();
  bed = await createBed();
  const server = await bed.server();
  const token = await server.claimToken(1);
  const device = await bed.device('press', { server: server.url, token });
  for (const version of [1, 2] as const) {
    const pushed = await server.cli('model', 'push', parts.bundles(version), '--name', 'parts');
    expect(pushed).toMatchObject({ code: 0, stderr: '' });
  }
  const feeder = startFeeder(device, 'parts', parts.clean);
  closers.push(() => feeder.stop());
  await untilEnded(server.api, await rollOut(server.api, 1), 60_000);

  const lab = await server.cli('lab', 'run', 'parts@2', '--devices', 'all', '--json');
  expect(lab).toMatchObject({ code: 0, stderr: '' });
  const { run, measurements, choices } = JSON.parse(lab.stdout);
  expect(run.state).toBe('done');
  expect(measurements.length).toBeGreaterThan(0);
  for (const one of measurements) {
    expect(one).toMatchObject({ code: '', runtime: 'onnxruntime' });
    expect(one.p50Ms).toBeGreaterThan(0);
  }
  expect(choices[0].reason).toMatch(/\.$/);

  const id = await rollOut(server.api, 2, {
    kind: 'shadow',
    shadow: { samplePermille: 1000, busyPermille: 1000, maxTemperatureC: 0, minCompared: 50 },
  });
  const compared = await until('inferences by both models', async () => {
    const seen = await server.api.get<Comparison>(`/rollouts/${id}/comparison`);
    return seen.shadow.compared >= 50 && seen;
  });
  // version 1 is right on 91 % of clean frames, version 2 on 99 %
  expect(compared.shadow.agreement).toBeGreaterThan(0.7);
  expect(compared.shadow.agreement).toBeLessThan(1);
  expect(compared.sentence).toMatch(/^the shadow agrees on \d/);
  expect((await device.status()).slots[0]?.active?.version).toBe(1);

  const update = await server.api.post<{ id: string; parent: string }>(
    `/rollouts/${id}/promote`,
    {},
  );
  expect(update.parent).toBe(id);
  await until(
    'version 2 in use',
    async () => (await device.status()).slots[0]?.active?.version === 2,
  );
  expect(await untilEnded(server.api, id, 1000)).toMatchObject({ state: 'done' });
  expect(feeder.answers.some(({ version }) => version === 2)).toBe(true);
});
