import { expect, test } from 'vitest';
import { type Member, memberText, said } from './squares.ts';

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
  arm: '',
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

test('a device under way says its step and how far it is, a failed one why', () => {
  const busy = member({ state: 'in-progress', step: 'download', bytesDone: 45, bytesTotal: 100 });
  expect(memberText(busy)).toBe('in progress: download 45 %');
  expect(memberText(member({ state: 'failed', code: 'bundle.digest-mismatch' }))).toBe(
    'failed: bundle.digest-mismatch',
  );
  expect(memberText(member({}))).toBe('pending');
});

test('a sentence loses the state that its pill says, and nothing else', () => {
  expect(said('confidence fell by 0.3 (limit 0.05): closed')).toBe(
    'Confidence fell by 0.3 (limit 0.05)',
  );
  expect(said('fell (limit 1): closed; 2 devices stay')).toBe('Fell (limit 1); 2 devices stay');
  expect(said('')).toBe('');
});
