import { FlotillaError } from '@flotilla/protocol';
import { expect, it } from 'vitest';
import { namingSource } from './naming-source.ts';
import type { RequestOptions } from './rollout/request.ts';
import { sourceOf } from './rollout/request-source.ts';

const refused = (detail: string, field: string, code = 'request.invalid') =>
  Promise.reject(
    new FlotillaError('api.refused', { server: 'http://fleet', status: 400, detail, field, code }),
  );
const options = { maintenance: [], gate: [], lateJoiners: true } as RequestOptions;

it.each([
  ['priority', { priority: '11' }, '--priority: priority is a whole number; see --help'],
  ['gates.alpha', { gate: ['alpha=2'] }, '--gate: priority is a whole number; see --help'],
  ['watchMs', { watchTime: '2d' }, '--watch-time: priority is a whole number; see --help'],
  ['raet', { from: 'a.yaml' }, 'a.yaml: priority is a whole number; see --help'],
  ['gates.alpha', { from: 'a.yaml' }, 'a.yaml: priority is a whole number; see --help'],
  ['priority', {}, 'http://fleet refused (400): priority is a whole number'],
])('names what gave %s with %j', async (field, given, message) => {
  const work = refused('priority is a whole number', field);
  const named = namingSource(work, (name) => sourceOf(name, { ...options, ...given }));
  await expect(named).rejects.toMatchObject({ message });
});

it('leaves alone what is wrong with more than its form', async () => {
  const named = namingSource(refused('no device', 'devices', 'rollout.invalid'), () => '--x');
  await expect(named).rejects.toMatchObject({ code: 'api.refused' });
});
