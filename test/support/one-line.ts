import { expect } from 'vitest';
import type { Ended } from './processes.ts';

/** Holds a failed command to what it promises: one line on standard error, nothing else, 1 or 2. */
export function expectOneLine({ code, stdout, stderr }: Ended, says: RegExp, exitCode: 1 | 2) {
  expect(stderr).toMatch(/^flotilla(-agent)?: [^\n]+\n$/);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
}
