import { expect, test } from 'vitest';
import { mqttEndpoint } from './mqtt-endpoint.ts';

test.each([
  ['mqtt://broker', { protocol: 'mqtt', host: 'broker', port: 1883 }],
  ['mqtts://broker:8884', { protocol: 'mqtts', host: 'broker', port: 8884 }],
  ['wss://broker/mqtt?a=b', { protocol: 'wss', host: 'broker', port: 443, path: '/mqtt?a=b' }],
  ['mqtt://[::1]:1884', { host: '::1', hostname: '::1', port: 1884 }],
  ['mqtt://me:a%40b@broker', { host: 'broker', username: 'me', password: 'a@b' }],
])('%s', (url, endpoint) => {
  expect(mqttEndpoint(url)).toMatchObject(endpoint);
});

test('an address without a log-in has none', () => {
  expect(mqttEndpoint('mqtt://broker')).not.toHaveProperty('username');
});

test('a bare % in a log-in is told with the remedy, and without the password', () => {
  const refused = () => mqttEndpoint('mqtt://me:hush%zz@broker');
  expect(refused).toThrow('URL of the MQTT broker broker: a % in its user or password');
  expect(refused).toThrow('write it as %25');
  expect(refused).not.toThrow('hush');
});
