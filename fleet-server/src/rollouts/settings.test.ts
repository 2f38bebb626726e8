import { expect, it } from 'vitest';
import { settingsOf } from './settings.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

it.each([
  [{ maxSoakMs: MINUTE }, 'maxSoakMs', 'the longest soak of 1 m is shorter than the soak of 10 m'],
  [{ watchMs: DAY }, 'watchMs', 'the deadline of 1 d for an attempt leaves no time beside'],
  [{ deadlineMs: 1000 }, 'deadlineMs', 'leaves no time beside the watch time of 30 s: set a later'],
])('lays the fault of %j on what was given, in times that people write', (given, field, reason) => {
  const settings = () => settingsOf({ model: 'parts', version: 1, ...given });
  expect(settings).toThrow(reason);
  expect(settings).toThrow(
    expect.objectContaining({ context: expect.objectContaining({ field }) }),
  );
});

it('takes a soak of any length as its own longest, where none is given', () => {
  const { maxSoakMs } = settingsOf({ model: 'parts', version: 1, soakMs: 8 * DAY });
  expect(maxSoakMs).toBe(8 * DAY);
});
