import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('keeps secrets out, at the top and two levels down', () => {
  const script = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))};
    const log = createLog('info');
    log.info({ token: 'hush-1', req: { headers: { authorization: 'hush-2' } }, a: { password: 'hush-3' } }, 'said');`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(stderr.toString()).toContain('said');
  expect(stderr.toString()).not.toContain('hush');
});
