import { expect, test } from 'vitest';
import { type Answer, answerText } from './answer-text.ts';

function answer(data: Readonly<Record<string, readonly unknown[]>>): Answer {
  const outputs = Object.entries(data).map(([name, values]) => ({
    name,
    shape: [1, values.length],
    data: values,
  }));
  return { model_version: '3', parameters: { latency_us: 4210 }, outputs };
}

test.each([
  [{ label: ['bolt'], confidence: [0.973] }, 'a: bolt 97.3 % (version 3, 4.2 ms)'],
  [
    { label: ['bolt', 'nut'], confidence: [0.9, 0.5], box: [1.2, 2, 3, 4.6, 5, 6, 7, 8] },
    'a: 2 found (version 3, 4.2 ms)\n  bolt 90.0 % from 1, 2 to 3, 5\n  nut 50.0 % from 5, 6 to 7, 8',
  ],
  [{ label: [], confidence: [], box: [] }, 'a: 0 found (version 3, 4.2 ms)'],
  [
    { value: [25.1, 1020.123456], value_name: ['t', 'p'], unit: ['°C', 'hPa'] },
    'a: t 25.1 °C, p 1020.12 hPa (version 3, 4.2 ms)',
  ],
  [{ value: [0.1] }, 'a: 0.1 (version 3, 4.2 ms)'],
  [
    { label: ['on'], confidence: [1], anomaly_score: [4.20001], anomalous: [true] },
    'a: on 100.0 %; anomalous, score 4.2 (version 3, 4.2 ms)',
  ],
  [{ y: [1, 2] }, 'a: y [1,2] (version 3, 4.2 ms; --json prints the numbers)'],
])('%j', (data, text) => {
  expect(answerText('a', answer(data as Record<string, unknown[]>))).toBe(text);
});

test('counts boxes that are too many to show', () => {
  const many = new Array(25).fill(0.5);
  const text = answerText(
    'a',
    answer({ label: many, confidence: many, box: new Array(100).fill(1) }),
  );
  expect(text.split('\n')).toHaveLength(22);
  expect(text).toContain('and 5 more');
});
