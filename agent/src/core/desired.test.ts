import {
  type Deployment,
  type Desired,
  type Draft,
  decode,
  encode,
  newId,
} from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import { compareVersions, readDesired } from './desired.ts';

const deployment: Draft<Deployment> = {
  id: newId(),
  attempt: 1,
  digest: `sha256:${'a'.repeat(64)}`,
  url: 'http://fleet/blobs/',
  model: 'parts',
  version: 3,
};

const read = (desired: Draft<Desired>) =>
  readDesired(decode('Desired', encode('Desired', desired)));
const slot = (active: Draft<Deployment>, name = 'parts') => ({
  slots: [{ name, mode: 'MODE_PRESENT' as const, active: { ...deployment, ...active } }],
});

describe('readDesired', () => {
  test('reads what is wanted', () => {
    const wanted = read({ generation: 1, revision: 2, ...slot({ watchMs: 5 }) });
    expect(wanted).toMatchObject({
      generation: 1,
      revision: 2,
      slots: [
        { name: 'parts', mode: 'present', active: { slot: 'parts', url: 'http://fleet/blobs' } },
      ],
    });
    expect(wanted.limits).toEqual({
      maxLatencyMs: 0,
      maxRssBytes: 0,
      watchLatencyFactor: 0,
      watchMemoryBytes: 0,
    });
    expect(read({ slots: [{ name: 'x', mode: 'MODE_ABSENT' }] }).slots).toEqual([
      { name: 'x', mode: 'absent' },
    ]);
  });

  test.each([
    ['a slot name with a path', slot({}, '../x')],
    ['a slot named like what every object has', slot({}, 'constructor')],
    ['a deployment that is no id', slot({ id: '../../etc' })],
    ['a digest that is a path', slot({ digest: 'sha256:../../x' })],
    ['a url of another scheme', slot({ url: 'file:///etc/passwd' })],
    ['a url without a scheme', slot({ url: '//elsewhere/blobs' })],
    ['a model that is no name', slot({ model: 'a/b' })],
    ['a slot without a mode', { slots: [{ name: 'x' }] }],
    ['a slot named twice', { slots: [slot({}).slots[0], slot({}).slots[0]] }],
    ['too many slots', { slots: Array.from({ length: 65 }, (_, i) => slot({}, `s${i}`).slots[0]) }],
    ['a kept digest that is none', { keep: ['x'] }],
    ['a limit below zero', { config: { maxLatencyMs: -1 } }],
    ['a limit that is no number', { config: { watchLatencyFactor: Number.NaN } }],
  ] as [string, Draft<Desired>][])('refuses %s', (_what, desired) => {
    expect(() => read(desired)).toThrow(/Desired/);
  });

  test('orders by generation, then revision', () => {
    const at = (generation: number, revision: number) => ({ generation, revision });
    expect(compareVersions(at(2, 1), at(1, 9))).toBeGreaterThan(0);
    expect(compareVersions(at(1, 1), at(1, 2))).toBeLessThan(0);
    expect(compareVersions(at(1, 2), at(1, 2))).toBe(0);
  });
});
