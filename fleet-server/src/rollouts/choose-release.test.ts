import { describe, expect, test } from 'vitest';
import type { Choice } from './choose.ts';
import { chooseRelease } from './choose-release.ts';

type Package = NonNullable<Choice['variant']>;
const PACKAGES = ['linux-arm64', 'linux-x64'].map(
  (target) => ({ target, precision: '0.2.0' }) as Package,
);

const choose = (said: object, protocol_minor = 1, last_seen_ms = 1) => {
  const capabilities = JSON.stringify({ selfUpdate: true, libc: 'glibc 2.36', ...said });
  const { variant, reason } = chooseRelease(
    { capabilities, protocol_minor, last_seen_ms },
    PACKAGES,
  );
  return { target: variant?.target, reason };
};

describe('a release of the agent', () => {
  test.each([
    ['aarch64', 'linux-arm64'],
    ['x86_64', 'linux-x64'],
    ['x64', 'linux-x64'],
  ])('for a device that calls its processor %s is that for %s', (arch, target) => {
    expect(choose({ arch })).toEqual({ target, reason: `agent 0.2.0 for ${target}` });
  });

  test.each([
    [{ arch: 'armv7l' }, 1, 'no package for linux-armv7l, only for linux-arm64, linux-x64'],
    [{ arch: 'constructor' }, 1, 'no package for linux-constructor'],
    [{ arch: 'x86_64', libc: 'musl' }, 1, 'its libc is musl'],
    [{ arch: 'x86_64', libc: undefined }, 1, 'its libc is unknown'],
    [{ arch: 'x86_64', selfUpdate: false }, 1, 'start it with flotilla-agent launch'],
    [{ arch: 'x86_64' }, 0, 'too old to update itself'],
  ])('suits no device of %o with protocol 1.%i', (said, minor, reason) => {
    expect(choose(said, minor)).toEqual({
      target: undefined,
      reason: expect.stringContaining(reason),
    });
  });

  test('waits for a device that has never said what it is, and calls it no old one', () => {
    const { target, reason } = choose({ arch: '', selfUpdate: false }, 0, 0);
    expect({ target, reason }).toEqual({
      target: undefined,
      reason: expect.stringMatching(/has never connected: start it/),
    });
  });
});
