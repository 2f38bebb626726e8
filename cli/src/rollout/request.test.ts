import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RequestOptions, readRequest, withRequestOptions } from './request.ts';

const NOW = 1_800_000_000_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-request-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function request(...args: string[]) {
  let asked: Promise<unknown> | undefined;
  const command = withRequestOptions(new Command('create').argument('[version]').exitOverride());
  command.action((version: string | undefined, options: RequestOptions) => {
    asked = readRequest(version, options, NOW);
  });
  command.parse(args, { from: 'user' });
  return asked;
}

describe('a request from the command line', () => {
  it('says nothing of what is left to the server', async () => {
    expect(await request('parts@3')).toEqual({ model: 'parts', version: 3 });
  });

  it('takes every strategy', async () => {
    const args = [
      ...['--devices', 'site=lyon', '--waves', '5, 10%,100%', '--stratify', 'target,line'],
      ...[
        '--soak',
        '10m',
        '--max-soak',
        '2h',
        '--watch-time',
        '5s',
        '--deadline',
        '2d',
        '--attempts',
        '5',
      ],
      ...['--retry', '30s', '--max-retry', '10m', '--network-attempts', '9'],
      ...['--rate', '10/min x2 every 50 up to 1000/min', '--roll-back-rate', '200/min'],
      ...['--max-in-flight', '40', '--start', '+2h', '--approval', 'each', '--priority', '7'],
      ...['--maintenance', 'sat,sun 02:00-05:00 Europe/Paris', '--maintenance', '22:00-24:00'],
      ...['--no-late-joiners', '--gate', 'latency=1.2x', '--gate', 'drift=off'],
      ...['--gate', 'accuracy=2%', '--gate', 'min-inferences=200', '--bandwidth', '250k'],
    ];
    expect(await request('parts@3', ...args)).toEqual({
      ...{ model: 'parts', version: 3, devices: 'site=lyon', waves: ['5', '10%', '100%'] },
      ...{ stratify: ['target', 'line'], soakMs: 600_000, maxSoakMs: 7_200_000, watchMs: 5000 },
      ...{ deadlineMs: 172_800_000, maxAttempts: 5, retryMs: 30_000 },
      retry: { networkAttempts: 9, maxPauseMs: 600_000 },
      rate: { perMinute: 10, factor: 2, after: 50, max: 1000 },
      ...{ rollBackPerMinute: 200, maxInFlight: 40, startMs: NOW + 7_200_000 },
      ...{ approval: 'each', priority: 7, dynamic: false },
      maintenance: [
        { days: ['sat', 'sun'], from: '02:00', to: '05:00', timeZone: 'Europe/Paris' },
        { from: '22:00', to: '24:00' },
      ],
      gates: {
        maxLatencyRise: 0.2,
        maxAccuracyDrop: 0.02,
        minInferences: 200,
        disabled: ['drift'],
      },
      download: { bandwidth: 250_000 },
    });
  });

  it('takes what is of a shadow or of an A/B rollout only', async () => {
    const shadow = ['--kind', 'shadow', '--promote', 'gate', '--sample', '2.5', '--busy', '10'];
    const further = ['--max-temperature', '70', '--compare', '2000', '--max-hours', '48'];
    expect(await request('parts@3', ...shadow, ...further)).toEqual({
      ...{ model: 'parts', version: 3, kind: 'shadow', promote: 'gate' },
      shadow: {
        ...{ samplePermille: 25, busyPermille: 100, maxTemperatureC: 70 },
        ...{ minCompared: 2000, maxHours: 48 },
      },
    });
    const ab = ['--kind', 'ab', '--share', '20', '--max-hours', '48'];
    expect(await request('parts@3', ...ab)).toEqual({
      ...{ model: 'parts', version: 3, kind: 'ab', ab: { sharePercent: 20, maxHours: 48 } },
    });
  });

  it('takes a file, of which options change parts', async () => {
    const file = join(folder, 'nightly.yaml');
    const text = [
      ...['model: parts', 'version: 3', 'waves: [5, 100%]', 'rate: { perMinute: 60 }'],
      ...['gates:', '  maxErrorRise: 0.01', '  disabled: [drift]'],
    ];
    await writeFile(file, text.join('\n'));
    expect(await request('--from', file, '--gate', 'latency=10%', '--rate', '5/min')).toEqual({
      ...{ model: 'parts', version: 3, waves: ['5', '100%'], rate: { perMinute: 5 } },
      gates: { maxErrorRise: 0.01, maxLatencyRise: 0.1, disabled: ['drift'] },
    });
    expect(await request('parts@4', '--from', file)).toMatchObject({ version: 4 });
  });

  it('takes days from one to another, over the end of the week too', async () => {
    const days = async (text: string) =>
      (
        (await request('parts@3', '--maintenance', `${text} 02:00-05:00`)) as {
          maintenance: { days: string[] }[];
        }
      ).maintenance[0]?.days;
    expect(await days('mon-wed,sun')).toEqual(['mon', 'tue', 'wed', 'sun']);
    expect(await days('fri-mon')).toEqual(['fri', 'sat', 'sun', 'mon']);
  });

  it.each([
    [['parts'], /parts is not MODEL@VERSION/],
    [[], /say which version: MODEL@VERSION/],
    [['parts@3', '--rate', '100'], /--rate takes 100\/min/],
    [['parts@3', '--soak', 'long'], /--soak takes a time with its unit, such as 30s/],
    [['parts@3', '--soak', '10'], /--soak takes a time with its unit.*not "10"/],
    [['parts@0'], /parts@0 is no version: those of parts count from 1/],
    [['parts@3', '--start', '2020-01-31T22:00'], /--start 2020-01-31T22:00 is past/],
    [['parts@3', '--gate', 'latency=20'], /latency=20 is 2000 %: did you mean latency=20%\?/],
    [['parts@3', '--share', '20'], /--share needs --kind ab/],
    [['parts@3', '--kind', 'ab', '--sample', '5'], /--sample needs --kind shadow/],
    [['parts@3', '--promote', 'gate'], /--promote needs --kind shadow or --kind ab/],
    [['parts@3', '--maintenance', 'never'], /--maintenance takes 'sat,sun 02:00-05:00'/],
    [['parts@3', '--maintenance', 'sat,dim 02:00-05:00'], /names a day as mon, tue.*not dim/],
    [['parts@3', '--start', 'soon'], /--start takes a time such as/],
    [['parts@3', '--gate', 'beauty=3'], /--gate takes NAME=LIMIT.*names are activations/],
    [['parts@3', '--gate', 'alpha=off'], /--gate takes a limit/],
    [['parts@3', '--priority', 'high'], /--priority takes a number/],
    [['parts@3', '--from', 'none.yaml'], /none\.yaml does not exist/],
  ])('%j is refused with a word on why', async (args, says) => {
    await expect(request(...args)).rejects.toThrow(says);
  });

  it('refuses a file that holds no request', async () => {
    const file = join(folder, 'list.yaml');
    await writeFile(file, '- parts\n');
    await expect(request('--from', file)).rejects.toThrow(/list\.yaml holds no request/);
    await writeFile(file, 'model: [parts');
    await expect(request('--from', file)).rejects.toThrow(/list\.yaml is not YAML/);
  });
});
