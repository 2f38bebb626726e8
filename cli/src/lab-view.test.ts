import { expect, test } from 'vitest';
import { type LabRun, labProgress, measurementTable, unmeasuredTable } from './lab-view.ts';

const order = (name: string, precision: string, state: string, code = '') => ({
  ...{ device: '01j0', name, target: 'raspberry-pi-5', precision, state, code },
  detail: code === '' ? '' : 'why',
});

const run: LabRun = {
  id: '01j1',
  state: 'running',
  orders: [
    order('press', 'int8', 'measured'),
    order('press', 'fp16', 'sent'),
    order('lathe', 'int8', 'expired', 'lab.late'),
    order('lathe', 'fp16', 'pending'),
  ],
};

test('a lab run is told as a share with what is measured now', () => {
  expect(labProgress(run)).toEqual({ label: 'measuring fp16 on press', share: 0.5 });
  const many = Array.from({ length: 5 }, (_, i) => order(`pi ${i}`, 'int8', 'sent'));
  expect(labProgress({ ...run, orders: many }).label).toMatch(/int8 on pi 2 and 2 more$/);
});

test('figures, failures and choices are told in tables', () => {
  const figures = {
    p50Ms: 12.34,
    p95Ms: 0,
    rssBytes: 5e7,
    runtime: 'onnxruntime',
    provider: 'cpu',
  };
  const one = { device: '01j0', name: 'press', target: 'raspberry-pi-5', detail: '' };
  const text = measurementTable(
    {
      measurements: [
        { ...one, ...figures, precision: 'int8', code: '' },
        {
          ...one,
          ...figures,
          precision: 'fp16',
          code: 'deployment.too-big',
          p50Ms: 0,
          rssBytes: 0,
        },
      ],
      choices: [{ target: 'raspberry-pi-5', precision: 'int8', reason: 'it is the only one.' }],
    },
    200,
  );
  expect(text).toMatch(/^press +raspberry-pi-5 +int8 +12\.3 ms +– +50\.0 MB +onnxruntime, cpu$/m);
  expect(text).toMatch(/^press +raspberry-pi-5 +fp16 +– +– +– +deployment\.too-big$/m);
  expect(text).toMatch(/^raspberry-pi-5 +int8 +it is the only one\.$/m);
  expect(unmeasuredTable(run, 200)).toMatch(/^lathe +int8 +expired +lab\.late: why$/m);
  expect(unmeasuredTable({ ...run, orders: run.orders.slice(0, 2) }, 200)).toBe('');
});
