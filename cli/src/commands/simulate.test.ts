import { expect, it } from 'vitest';
import { readSettings } from '../config.ts';
import type { Context } from '../context.ts';
import { run } from '../run.ts';

const context: Context = {
  settings: readSettings({ FLOTILLA_SERVER: 'http://127.0.0.1:1', FLOTILLA_TOKEN: 'flt_x' }),
  environment: {},
  say: () => undefined,
  json: () => undefined,
  progress: () => ({ update: () => undefined, clear: () => undefined }),
  live: () => undefined,
  columns: 80,
  interrupted: new AbortController().signal,
};

it('wants no API token where it has a claim token', async () => {
  const settings = readSettings({ FLOTILLA_SERVER: 'http://127.0.0.1:1' });
  const work = run(['simulate', '--claim', 'flc_x'], { ...context, settings });
  await expect(work).rejects.toMatchObject({ code: 'agent.unreachable' });
});

it('asks about the faults before there is a simulation to stop', async () => {
  const work = run(['simulate', '--faults', 'fail=1'], context);
  await expect(work).rejects.toMatchObject({ code: 'api.unreachable' });
});

it.each([
  [['--targets', 'toaster'], /"toaster", which is no target: see flotilla targets/],
  [['--targets', ''], /--targets/],
  [['--faults', 'explode=1'], /"explode=1": there is no such fault/],
  [['--faults', 'none.yaml'], /none\.yaml does not exist/],
  [['--devices', 'many'], /--devices takes a whole number from 1, not "many"/],
  [['--devices', '0'], /--devices takes a whole number from 1, not "0"/],
  [['--labeled', '130'], /--labeled takes percentage points/],
  [['--download', 'half'], /--download/],
  [['--for', 'ever'], /--for takes a number from 0, not "ever"/],
  [[], /127\.0\.0\.1:1/],
])('%j is refused with a word on why', async (args, says) => {
  await expect(run(['simulate', ...args], context)).rejects.toThrow(says);
});
