import { signal } from '@preact/signals';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Api } from '../app/api.ts';
import { commandOf } from './command.ts';
import { holdersOf, leftOutLines, variantLines, warningsOf } from './draft-lines.ts';
import { faultOf, unplaced } from './fields.ts';
import { EMPTY_FORM, type Form } from './form.ts';
import { requestOf } from './request.ts';
import { type Draft, openNewRollout } from './store.ts';
import { readTime, writeTime } from './times.ts';
import { loadVersions } from './versions.ts';

const NOW_MS = new Date('2027-01-31T22:00').getTime();
const FORM: Form = { ...EMPTY_FORM, model: 'parts', version: '3' };
const ask = (part: Partial<Form>) => requestOf({ ...FORM, ...part }, NOW_MS);

test('what is left empty is left to the server', () => {
  expect(ask({}).request).toEqual({ model: 'parts', version: 3 });
  expect(ask({ version: '' }).request).toBeUndefined();
});

test('options of another kind are kept back, and limits are shares', () => {
  expect(ask({ kind: 'ab', share: '20', sample: '5', promote: 'gate' }).request).toMatchObject({
    ...{ kind: 'ab', promote: 'gate', ab: { sharePercent: 20 } },
  });
  const { request } = ask({ limits: { latency: '20', drift: '7' }, off: ['drift'] });
  expect(request?.gates).toEqual({ maxLatencyRise: 0.2, disabled: ['drift'] });
});

test('what is no number or time is told at its field, and nothing is asked', () => {
  const { request, faults } = ask({ soak: 'soon', limits: { errors: '5%' } });
  expect(request).toBeUndefined();
  expect(faultOf(faults, 'soakMs')).toBe(
    'this takes a time with its unit, such as 30s, 10m or 1h, not "soon"',
  );
  expect(faultOf(faults, 'gates.maxErrorRise')).toContain('percent such as 20, not "5%"');
  expect(faultOf({ 'maintenance.0.from': 'x' }, 'maintenance')).toBe('x');
  expect([unplaced(faults), unplaced({ download: 'y' })]).toEqual(['', 'y']);
});

test('a time without a unit and a start that is past are refused, as by the command line', () => {
  expect(faultOf(ask({ soak: '10' }).faults, 'soakMs')).toContain('with its unit');
  expect(faultOf(ask({ start: '2027-01-31T22:00' }).faults, 'startMs')).toContain('is past');
  expect(ask({ start: '2027-01-31T22:01' }).request?.startMs).toBe(NOW_MS + 60_000);
});

test('a halted rollout holds no devices', () => {
  const one = { id: 'a', slot: 'parts', version: 1, state: 'running', endedMs: 0 } as const;
  const others = [
    { ...one, state: 'halted' },
    { ...one, state: 'done', endedMs: 5 },
    { ...one, slot: 'ocr' },
  ] as const;
  expect(holdersOf('parts', [one, ...others])).toEqual([one]);
});

test('a rollout whose answer was lost is sent again under its key, another under its own', async () => {
  const lost = { ok: false, status: 0, detail: 'the fleet server does not answer' } as const;
  const post = vi.fn(async (_path: string, _body?: unknown, _key?: string) => lost);
  const store = openNewRollout({
    api: { post } as unknown as Api,
    session: { token: '', fleet: 'north' },
    now: signal(NOW_MS),
  });
  onTestFinished(() => store.close());
  store.change({ model: 'parts', version: '3' });
  expect(await store.create()).toBeUndefined();
  expect(Object.values(store.wrong.value)).toEqual([lost.detail]);
  await store.create();
  store.change({ soak: '1m' });
  await store.create();
  const [first, second, third] = post.mock.calls.map(([, , key]) => key);
  expect(first).toMatch(/./);
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

test('the command quotes what a shell would read otherwise', () => {
  const { request } = ask({
    ...{ devices: `name="it's"`, shape: 'canary', canary: '5', soak: '90s' },
    maintenance: [{ days: ['sat', 'sun'], from: '02:00', to: '05:00', timeZone: '' }],
  });
  expect(request && commandOf(request, 'north')).toEqual([
    'flotilla rollout create parts@3',
    '--fleet north',
    String.raw`--devices 'name="it'\''s"'`,
    '--waves 5,30%,100%',
    '--soak 90s',
    "--maintenance 'sat,sun 02:00-05:00'",
  ]);
});

test('a time is written in the largest unit that divides it', () => {
  for (const text of ['0s', '1500ms', '90s', '10m', '1h', '2d']) {
    expect(writeTime(readTime(text) ?? -1)).toBe(text);
  }
});

const GROUP = {
  ...{ stratum: '', target: 'x86-64', state: 'pending', precision: 'int8', devices: 2 },
  arm: '',
};
const DRAFT = {
  ...{ model: 'parts', version: 3, sizes: [1, 4], startsMs: [5, 0], warnings: ['so many'] },
  settings: { kind: 'update', approval: 'each', gates: { disabled: [] } },
  groups: [
    { ...GROUP, wave: 0, ladder: ['int8', 'fp32'], reason: 'it fits', devices: 1 },
    { ...GROUP, wave: 1, ladder: ['int8', 'fp32'], reason: 'it fits', devices: 3 },
    { ...GROUP, wave: -1, ladder: [], state: 'unsuitable', precision: '', reason: 'too old' },
  ],
  devices: [
    {
      ...GROUP,
      wave: -1,
      ladder: [],
      state: 'unsuitable',
      precision: '',
      reason: 'too old',
      ...{ name: 'gate 9', arm: '' },
    },
  ],
} as unknown as Draft;

test('a draft is told by who gets what and who is left out', () => {
  expect(variantLines(DRAFT)).toMatchObject([{ variant: 'int8, else fp32', devices: 4 }]);
  expect(leftOutLines(DRAFT)).toMatchObject([
    { variant: '', devices: 2, reason: 'too old', names: ['gate 9'] },
  ]);
  expect(warningsOf(DRAFT, { mayApprove: false })).toEqual([
    'so many.',
    'The maintenance windows of wave 2 do not open within two weeks.',
    expect.stringContaining('A first wave of one device'),
    expect.stringContaining('which your token may not give'),
  ]);
});

test('versions that cannot be rolled out say why', async () => {
  const status = { 1: 'ready', 2: 'failed', 3: 'ready', 4: 'building' };
  const versions = Object.entries(status).map(([version, status]) => ({
    ...{ model: 'parts', version: Number(version), status },
  }));
  const api = {
    all: async () => ({ ok: true, value: versions }),
    get: async () => ({ ok: true, value: { build: { error: 'no such op' }, variants: [] } }),
  } as unknown as Pick<Api, 'all' | 'get'>;
  expect(await loadVersions(api, 'parts')).toEqual({
    ok: true,
    value: {
      offered: [3, 1],
      others: [
        { version: 4, why: 'is still being built' },
        { version: 2, why: 'could not be built: no such op' },
      ],
    },
  });
});
