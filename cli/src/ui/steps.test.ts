import type { Progress as Step } from '@flotilla/converters';
import { expect, test } from 'vitest';
import { showSteps } from './steps.ts';

function shown(...steps: Step[]): string[] {
  const lines: string[] = [];
  const show = showSteps({
    update: (label, share) => void lines.push(share === undefined ? label : `${label} ${share}`),
    clear: () => undefined,
  });
  for (const step of steps) show(step);
  return lines;
}

const search = (done: number, total: number): Step => ({
  step: 'search',
  target: 'jetson-orin',
  done,
  total,
});

test('a step of one piece has a name and no share', () => {
  expect(
    shown(
      { step: 'read', done: 0, total: 1 },
      { step: 'read', done: 3, total: 4 },
      { step: 'quantize', precision: 'int8', done: 1, total: 1 },
    ),
  ).toEqual(['read', 'read 0.75', 'quantize int8']);
});

test('a search keeps its bar while variants are made for it, and never goes back', () => {
  const quantized: Step = { step: 'quantize', precision: 'int8', done: 1, total: 1 };
  const steps = [search(0, 1), search(3, 4), quantized, search(1, 8), search(8, 8), quantized];
  expect(shown(...steps)).toEqual([
    'search jetson-orin',
    'search jetson-orin 0.75',
    'search jetson-orin 0.75',
    'search jetson-orin 0.99',
  ]);
});
