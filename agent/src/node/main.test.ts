import { expect, test } from 'vitest';
import { runAgentCommand } from '../testing/agent-process.ts';

test('an option that does not exist is named in one short line', async () => {
  const { code, stderr } = await runAgentCommand('status', '--bogus');
  expect(code).toBe(2);
  expect(stderr).toBe("flotilla-agent: Unknown option '--bogus'; see --help\n");
});
