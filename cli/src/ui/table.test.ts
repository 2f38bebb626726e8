import { expect, test } from 'vitest';
import { byteCount, table } from './table.ts';

test('columns are as wide as their widest cell and numbers stand to the right', () => {
  expect(
    table(
      ['op', 'count'],
      [
        ['Conv', '26'],
        ['GlobalAveragePool', '1'],
      ],
    ).split('\n'),
  ).toEqual([
    'op                 count',
    '─────────────────  ─────',
    'Conv                  26',
    'GlobalAveragePool      1',
  ]);
});

test('sizes are told in decimal units', () => {
  expect(byteCount(1_234_567)).toBe('1.2 MB');
  expect(byteCount(512)).toBe('0.5 KB');
});

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('a table that is wider than the terminal cuts its digests first', () => {
  const rows = [['application/vnd.flotilla.model', '1.2 KB', DIGEST]];
  expect(table(['blob', 'size', 'digest'], rows, 60).split('\n')).toEqual([
    'blob                              size  digest',
    '──────────────────────────────  ──────  ────────────────────',
    'application/vnd.flotilla.model  1.2 KB  sha256:0123456789ab…',
  ]);
  expect(table(['blob', 'size', 'digest'], rows)).toContain(DIGEST);
});

test('then it breaks heads and the widest text within their cells', () => {
  const rows = [
    ['●', 'int8 min-max, channels padded', '0, 0', '0.19 ms'],
    ['', 'fp32', '0, 0', '0.53 ms'],
  ];
  expect(table(['', 'x86-64', 'lost, won', 'latency'], rows, 35).split('\n')).toEqual([
    '   x86-64            lost,  latency',
    '                     won',
    '─  ────────────────  ─────  ───────',
    '●  int8 min-max,     0, 0   0.19 ms',
    '   channels padded',
    '   fp32              0, 0   0.53 ms',
  ]);
});

test('numbers and words of the head stay whole where there is no room at all', () => {
  expect(table(['agreement', 'size'], [['100.0 %', '132.9 KB']], 10).split('\n')[0]).toBe(
    'agreement      size',
  );
});

test('ids stay whole, so that they can be copied', () => {
  const id = '01m8k9vajh6ck68vpv9fg6q9aq';
  const rows = [['press 4 in the second hall', id]];
  expect(table(['name', 'device'], rows, 40).split('\n')).toEqual([
    'name          device',
    '────────────  ──────────────────────────',
    `press 4 in    ${id}`,
    'the second',
    'hall',
  ]);
});
