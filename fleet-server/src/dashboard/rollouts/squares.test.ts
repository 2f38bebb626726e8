import { expect, test } from 'vitest';
import { type Member, memberText, type Rollout, said, squareOf, wavesOf } from './squares.ts';

const member = (fields: Partial<Member>): Member => ({
  device: '01j00000000000000000000001',
  name: 'pi',
  target: 'raspberry-pi-5',
  position: 0,
  wave: 0,
  state: 'pending',
  reason: '',
  digest: '',
  precision: 'int8',
  ladder: ['int8'],
  rung: 0,
  deployment: '',
  attempt: 1,
  step: '',
  code: '',
  detail: '',
  bytesDone: 0,
  bytesTotal: 0,
  baseVersion: 1,
  sentMs: 0,
  endedMs: 0,
  backState: 'none',
  backDetail: '',
  ...fields,
});

test('the way back says more than the way there', () => {
  expect(squareOf({ state: 'committed', backState: 'none' })).toBe('committed');
  expect(squareOf({ state: 'committed', backState: 'in-progress' })).toBe('rolling-back');
  expect(squareOf({ state: 'committed', backState: 'committed' })).toBe('rolled-back');
  expect(squareOf({ state: 'committed', backState: 'failed' })).toBe('failed');
  expect(squareOf({ state: 'expired', backState: 'none' })).toBe('silent');
});

test('a device under way says its step and how far it is, a failed one why', () => {
  const busy = member({ state: 'in-progress', step: 'download', bytesDone: 45, bytesTotal: 100 });
  expect(memberText(busy)).toBe('in progress: download 45 %');
  expect(memberText(member({ state: 'failed', code: 'bundle.digest-mismatch' }))).toBe(
    'failed: bundle.digest-mismatch',
  );
  expect(memberText(member({}))).toBe('pending');
});

test('waves hold their devices, and those after a halt never open', () => {
  const devices = [0, 1, 1, 2].map((wave, position) => member({ wave, position }));
  const rollout = { sizes: [1, 3, 10], wave: 1, state: 'running', devices } as unknown as Rollout;
  expect(wavesOf(rollout).map(({ state, size, members }) => [state, size, members.length])).toEqual(
    [
      ['done', 1, 1],
      ['open', 2, 2],
      ['waiting', 7, 1],
    ],
  );
  const halted = wavesOf({ ...rollout, state: 'rolled-back' });
  expect(halted.map(({ state }) => state)).toEqual(['done', 'stopped', 'never']);
  expect(wavesOf({ ...rollout, wave: 2, state: 'done' }).at(-1)?.state).toBe('done');
});

test('a sentence loses the state that its pill says, and nothing else', () => {
  expect(said('confidence fell by 0.3 (limit 0.05): closed')).toBe(
    'Confidence fell by 0.3 (limit 0.05)',
  );
  expect(said('fell (limit 1): closed; 2 devices stay')).toBe('Fell (limit 1); 2 devices stay');
  expect(said('')).toBe('');
});
