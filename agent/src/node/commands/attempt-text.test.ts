import { expect, test } from 'vitest';
import { attemptText } from './attempt-text.ts';

const attempt = { deployment: '01m8k9haa3dx94zv8t5fw7g03v', attempt: 1, slot: 'parts' };

test('how an attempt ended is told in words, with its slot and the reason', () => {
  const good = { ...attempt, result: 'RESULT_COMMITTED', step: 'commit', code: '' } as const;
  expect(attemptText(good)).toBe('last attempt: committed in slot parts');
  const slow = { ...attempt, result: 'RESULT_FAILED', step: 'selfTest' } as const;
  expect(attemptText({ ...slow, code: 'deployment.too-slow', detail: '90 ms' })).toBe(
    'last attempt: failed at selfTest in slot parts: deployment.too-slow, 90 ms',
  );
});

test('an attempt that goes on says how far it is, and what it waits for', () => {
  const waits = { ...attempt, result: 'RESULT_IN_PROGRESS', step: 'download' } as const;
  expect(attemptText({ ...waits, code: 'download.metered', detail: 'wwan0' })).toBe(
    'last attempt: in progress at download in slot parts: download.metered, wwan0',
  );
});
