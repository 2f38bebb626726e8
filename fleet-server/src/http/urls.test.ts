import { expect, it } from 'vitest';
import { reachableFrom } from './urls.ts';

it.each([
  ['mqtt://0.0.0.0:1883', 'fleet.example:8080', 'mqtt://fleet.example:1883'],
  ['http://[::]:8080', '10.0.0.7:8080', 'http://10.0.0.7:8080'],
  ['mqtt://127.0.0.1:1883', 'fleet.example:8080', 'mqtt://127.0.0.1:1883'],
  ['mqtts://broker.example', 'fleet.example', 'mqtts://broker.example'],
])('a device reaches %s, asked as %s, at %s', (url, host, expected) => {
  expect(reachableFrom(url, host)).toBe(expected);
});
