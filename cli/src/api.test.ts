import { Command } from 'commander';
import { expect, it } from 'vitest';
import { withApiOptions } from './api.ts';
import { readSettings } from './config.ts';
import type { Context } from './context.ts';

it('shows where the token comes from in its help, never the token', () => {
  const settings = readSettings({ FLOTILLA_TOKEN: 'flt_hush' });
  const command = withApiOptions(new Command(), { settings } as Context);
  expect(command.helpInformation()).toContain('FLOTILLA_TOKEN');
  expect(command.helpInformation()).not.toContain('hush');
  expect(command.parse([], { from: 'user' }).opts()).toMatchObject({ token: 'flt_hush' });
});
