import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMqttTransport } from '../mqtt-transport.ts';
import { systemClock } from '../system-clock.ts';
import { csvRecords } from './csv-records.ts';
import { csvSource } from './csv-source.ts';
import type { CsvConfig } from './schema.ts';

async function* chunks(text: string, cuts: readonly number[]) {
  for (let at = 0, i = 0; at < text.length; i++) {
    const length = cuts[i % cuts.length] ?? 1;
    yield text.slice(at, at + length);
    at += length;
  }
}

async function collect(records: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const record of records) all.push(record);
  return all;
}

describe('records', () => {
  const never = () => expect.unreachable();

  test('are the same, wherever the text is cut', async () => {
    const text = '\ufeffa,b\r\n1,"two\nlines"\n\n3,"say ""x"""\r\nlast,4';
    const whole = ['a,b', '1,"two\nlines"', '3,"say ""x"""', 'last,4'];
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(cuts, async (some) => {
        expect(await collect(csvRecords(chunks(text, some), never))).toEqual(whole);
      }),
    );
  });

  test('are left out where they are too long, and the next is read', async () => {
    const told: number[] = [];
    const text = `a\n${'x'.repeat(100)}\nb\n${'y'.repeat(200)}\nc\n`;
    const all = await collect(csvRecords(chunks(text, [7]), (most) => told.push(most), 50));
    expect(all).toEqual(['a', 'b', 'c']);
    expect(told.length).toBeGreaterThanOrEqual(2);
  });
});

describe('rows', () => {
  function run(config: Omit<CsvConfig, 'csv'> = {}) {
    const stdin = new PassThrough();
    const rows: unknown[] = [];
    const refused: string[] = [];
    const ports = { folder: '/', clock: systemClock, transport: createMqttTransport() };
    const source = csvSource(
      { csv: 'stdin', ...config },
      { ...ports, stdin: () => stdin, input: () => ({ kind: 'raw' as const }) },
    );
    const stop = new AbortController();
    const ended = source.run(
      {
        emit: async ({ raw }) => void rows.push(JSON.parse(`${Buffer.from(raw as Uint8Array)}`)),
        refuse: (label, error) => void refused.push(`${label}: ${(error as Error).message}`),
      },
      stop.signal,
    );
    return { stdin, rows, refused, ended, stop };
  }

  test('come as soon as their line ends, with numbers as numbers', async () => {
    const { stdin, rows, refused, ended } = run();
    stdin.write('temp,state,note\n 21.5 ,on,\n');
    await expect.poll(() => rows).toEqual([{ temp: 21.5, state: 'on', note: null }]);
    stdin.write('1,2\n"1",\'"quoted"x,3\n7,off,"a,b"\n');
    stdin.end();
    await ended;
    expect(rows.at(-1)).toEqual({ temp: 7, state: 'off', note: 'a,b' });
    expect(refused).toEqual([
      'row 2: it has 2 cells, and there are 3 columns',
      expect.stringMatching(/^row 3: /),
    ]);
  });

  test('have the names of the settings, and another delimiter', async () => {
    const { stdin, rows, ended } = run({ columns: ['x', 'y'], delimiter: ';' });
    stdin.end('1;2\n3;4');
    await ended;
    expect(rows).toEqual([
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ]);
  });

  test('end when the flow is stopped, though nothing comes', async () => {
    const { stop, ended, rows } = run();
    stop.abort();
    await ended;
    expect(rows).toEqual([]);
  });
});
