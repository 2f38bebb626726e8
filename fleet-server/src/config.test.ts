import { expect, it } from 'vitest';
import { CONFIG, serverConfig } from './config.ts';

it('takes what is given before the environment, and that before the default', () => {
  const env = { FLOTILLA_PORT: '9000', FLOTILLA_INSECURE: 'true', FLOTILLA_DATA: '/data' };
  const config = serverConfig({ data: '/mine' }, env);
  expect(config).toMatchObject({ data: '/mine', port: 9000, insecure: true, mqttPort: 1883 });
});

it.each([
  [{ FLOTILLA_PORT: 'http' }, 'FLOTILLA_PORT'],
  [{ FLOTILLA_PORT: '70000' }, 'port'],
  [{ FLOTILLA_INSECURE: 'perhaps' }, 'FLOTILLA_INSECURE'],
  [{ FLOTILLA_FLEET: 'My Fleet' }, 'fleet'],
  [{ FLOTILLA_TLS_CERT: 'cert.pem' }, 'tlsCert'],
  [{ FLOTILLA_PUBLIC_URL: 'fleet.example' }, 'publicUrl'],
  [{ FLOTILLA_BROKER: 'http://broker:1883' }, 'broker'],
])('names the setting that is wrong: %j', (env, name) => {
  expect(() => serverConfig({}, env)).toThrow(name);
});

it('takes no log-in within a URL, and does not repeat it', () => {
  const refused = () => serverConfig({ broker: 'mqtt://server:hush@broker:1883' });
  expect(refused).toThrow('brokerUser');
  expect(refused).not.toThrow('hush');
});

it('documents every setting under a name of its own', () => {
  const rows = Object.values(CONFIG);
  expect(new Set(rows.map(({ env }) => env)).size).toBe(rows.length);
  for (const { env, doc } of rows) {
    expect(env).toMatch(/^FLOTILLA_[A-Z_]+$/);
    expect(doc.length).toBeGreaterThan(10);
  }
});
