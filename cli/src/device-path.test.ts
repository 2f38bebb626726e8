import { expect, test } from 'vitest';
import type { Api } from './api.ts';
import { devicePath } from './device-path.ts';

const PRESS = '01m8k9vajh6ck68vpv9fg6q9aq';
const TWINS = ['01m8k9v9g47v9ftsydnmx18p3f', '01m8k9vb6y9ytrhg5srtg4sfp7'];
const DEVICES = [
  { device: PRESS, name: 'press 4' },
  ...TWINS.map((device) => ({ device, name: 'twin' })),
];
const api: Pick<Api, 'all'> = { all: async <T>() => DEVICES as T[] };

test('a device is found by the name that lists show', async () => {
  expect(await devicePath(api, 'press 4')).toBe(`/devices/${PRESS}`);
});

test('an id is taken as it is, and nothing is asked', async () => {
  const silent = { all: () => Promise.reject(new Error('asked')) };
  expect(await devicePath(silent, PRESS)).toBe(`/devices/${PRESS}`);
});

test('a name that nobody has says where names are, one of several says whose it is', async () => {
  await expect(devicePath(api, '../models')).rejects.toThrow(/no device .* flotilla device list/);
  await expect(devicePath(api, 'twin')).rejects.toThrow(new RegExp(TWINS.join(', ')));
});
