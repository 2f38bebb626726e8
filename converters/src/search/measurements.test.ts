import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMeasurements } from './measurements.ts';

let folder = '';
let file = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-measurements-'));
  file = join(folder, 'bench.json');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SOURCE = 'sha256:source';
const row = (of: object, p50: unknown) => ({
  ...of,
  latencyMs: { p50, measuredOn: { cpu: 'A76', provider: 'cpu', threads: 2 } },
});

async function read(models: unknown, targets = ['raspberry-pi-5'] as const) {
  await writeFile(file, JSON.stringify({ models }));
  return await readMeasurements(file, targets, SOURCE);
}

describe('measurements from devices', () => {
  test('are found by digest first, then by precision', async () => {
    const measurements = await read([
      row({ digest: SOURCE }, 20),
      row({ precision: 'int8' }, 9),
      row({ digest: 'sha256:a', precision: 'mixed', target: 'raspberry-pi-5' }, 7),
    ]);
    const of = (digest: string, precision: 'int8' | 'int4') =>
      measurements.of('raspberry-pi-5', { digest, structure: digest, precision })?.variant;
    expect(of('sha256:a', 'int8')).toBe(7);
    expect(of('sha256:b', 'int8')).toBe(9);
    expect(of('sha256:b', 'int4')).toBeUndefined();
    expect(
      measurements.of('jetson-orin', {
        digest: 'sha256:a',
        structure: 'a',
        precision: 'int8',
      }),
    ).toBeUndefined();
  });

  test('say nothing of a variant where fp32 was not measured', async () => {
    const measurements = await read([row({ precision: 'int8' }, 9)]);
    const variant = { digest: 'sha256:b', structure: 'b', precision: 'int8' } as const;
    expect(measurements.of('raspberry-pi-5', variant)).toBeUndefined();
  });

  test.each([
    [[], /its list "models" is empty/],
    [{}, /bench\.json holds no measurements: it has no list "models"/],
    [[row({ precision: 'int8' }, -1)], /row 1 has no latencyMs\.p50 in milliseconds/],
    [[row({}, 1)], /row 1 has neither the digest of a model nor a precision/],
    [[row({ precision: 'int3' }, 1)], /row 1 has no precision of fp32/],
    [[row({ precision: 'int8', target: 'toaster' }, 1)], /row 1 has the unknown target "toaster"/],
  ])('that are none are refused in one line: %j', async (models, line) => {
    await expect(read(models)).rejects.toThrow(line);
  });

  test('tell of rows that belong to nothing, and what fp32 takes', async () => {
    const measurements = await read([
      row({ digest: SOURCE }, 20),
      row({ digest: 'sha256:gone' }, 9),
      row({ precision: 'fp16', target: 'jetson-orin' }, 9),
    ]);
    expect(measurements.fp32('raspberry-pi-5')).toBe(20);
    expect(measurements.complaints()).toEqual(['measurements of no model that was tried: row 2']);
  });

  test('of one variant hold for all that differ from it in numbers only', async () => {
    const measurements = await read([row({ digest: SOURCE }, 20), row({ digest: 'sha256:a' }, 14)]);
    const of = (digest: string, structure: string) =>
      measurements.of('raspberry-pi-5', { digest, structure, precision: 'int8' })?.variant;
    expect(of('sha256:b', 'same')).toBeUndefined();
    expect(of('sha256:a', 'same')).toBe(14);
    expect(of('sha256:b', 'same')).toBe(14);
    expect(of('sha256:c', 'other')).toBeUndefined();
  });

  test('of one model in two bundles are both of use', async () => {
    const twice = [row({ digest: 'sha256:a' }, 7), row({ digest: 'sha256:a' }, 8)];
    const measurements = await read([row({ precision: 'fp32' }, 20), ...twice]);
    const variant = { digest: 'sha256:a', structure: 'a', precision: 'int8' } as const;
    expect(measurements.of('raspberry-pi-5', variant)?.variant).toBe(7);
    expect(measurements.complaints()).toEqual([]);
  });

  test('of other targets only, or without fp32, are told of', async () => {
    const elsewhere = await read([row({ digest: SOURCE, target: 'x86-64' }, 1)]);
    expect(elsewhere.complaints()).toEqual([
      'no measurement is of raspberry-pi-5, only of x86-64: its latencies are not imported',
    ]);
    const lonely = await read([row({ precision: 'int8' }, 9)]);
    expect(lonely.complaints()[0]).toMatch(
      /^no measurement of raspberry-pi-5 is of fp32: add a row/,
    );
  });

  test('for several targets name theirs', async () => {
    await writeFile(file, JSON.stringify({ models: [row({ precision: 'int8' }, 1)] }));
    const both = ['raspberry-pi-5', 'raspberry-pi-4'] as const;
    await expect(readMeasurements(file, both, SOURCE)).rejects.toThrow(
      /row 1 names no target, and several are asked for/,
    );
    await expect(readMeasurements(join(folder, 'none'), both, SOURCE)).rejects.toThrow(
      /there is no such file/,
    );
  });
});
