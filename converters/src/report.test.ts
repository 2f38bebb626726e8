import { TARGETS } from '@flotilla/targets';
import { expect, test } from 'vitest';
import { type Assessment, withheld } from './report.ts';

const measuredOn = { cpu: 'a processor', provider: 'cpu', threads: 1 };
const SOUND: Assessment = {
  target: 'x86-64',
  precision: 'int8',
  bytes: 1,
  opset: 13,
  memoryBytes: 1,
  scheme: { precision: 'fp32' },
  graph: { nodes: 1, parameters: 1, bytes: 1, ops: {} },
  ranges: [],
  accuracy: {
    metric: 'top1',
    samples: 10,
    fp32: 1,
    variant: 1,
    lost: 0,
    won: 0,
    agreement: 1,
    kl: 0,
    interval: [0, 0],
    pValue: 1,
    passed: true,
    judged: 'passed',
    slices: [],
  },
  latencyMs: { fp32: 2, variant: 1, measuredOn },
  sqnr: [],
  skipped: [],
  warnings: [],
};
const slow = { fp32: 1, variant: 2, measuredOn };

test('a sound variant is written', () => {
  expect(withheld(SOUND, true)).toBeUndefined();
  expect(withheld(SOUND, false)).toBeUndefined();
});

test('a variant outside the budget is not', () => {
  const failed = { ...SOUND, accuracy: { ...SOUND.accuracy, passed: false } };
  expect(withheld(failed, false)).toMatch(/accuracy is outside the budget/);
});

test('int8 that was measured slower than fp32 is written only on demand', () => {
  expect(withheld({ ...SOUND, latencyMs: slow }, true)).toBe('it is slower than fp32');
  expect(withheld({ ...SOUND, latencyMs: slow }, false)).toBeUndefined();
  const withinNoise = { fp32: 1, variant: 1.01, measuredOn };
  expect(withheld({ ...SOUND, latencyMs: withinNoise }, true)).toBeUndefined();
});

test('an estimate never says slower, and withholds int8 only where it pays for some models', () => {
  const estimated = { ...SOUND, latencyMs: { ...slow, estimated: true } };
  expect(withheld({ ...estimated, target: 'raspberry-pi-5' }, true)).toBeUndefined();
  expect(withheld({ ...estimated, target: 'browser-wasm' }, true)).toMatch(/not expected to gain/);
});

test('what a target cannot run is not written for it', () => {
  expect(withheld({ ...SOUND, target: 'jetson-nano' }, false)).toMatch(/does not run int8/);
  const late = { ...SOUND, opset: TARGETS['x86-64'].maxOpset + 1 };
  expect(withheld(late, false)).toMatch(/^opset 22 is above 21/);
  expect(withheld({ ...SOUND, target: 'tflite' }, false)).toMatch(/other files than ONNX/);
});
