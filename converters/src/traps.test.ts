import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert } from './convert.ts';
import type { ConvertRequest, SchemeRequest } from './request.ts';
import { TRAPS, type TrapFiles } from './testing/traps/index.ts';

/** int8 wherever it is possible, with ranges from the extremes, and nothing done against its noise. */
const NAIVE: SchemeRequest = {
  method: 'min-max',
  equalize: false,
  biasCorrection: false,
  rounding: 'nearest',
  float: [],
};
/** A search tries a dozen models; a busy machine takes its time for that. */
const PATIENCE = 60_000;

describe.each(TRAPS)('$name', (trap) => {
  let folder = '';
  let request: Omit<ConvertRequest, 'precisions' | 'out'>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `flotilla-${trap.name}-`));
    const files: TrapFiles = await trap.write(folder);
    request = { ...files, version: 1, targets: ['x86-64'], latencyRuns: 3 };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(`is ${trap.naive} in int8 everywhere`, { timeout: PATIENCE }, async () => {
    const out = join(folder, 'naive');
    const { variants } = await convert({ ...request, out, precisions: ['int8'], scheme: NAIVE });
    expect(variants[0]?.accuracy.passed).toBe(trap.naive === 'kept');
  });

  it('ends within budget', { timeout: PATIENCE }, async () => {
    const out = join(folder, 'auto');
    const { variants, searches } = await convert({ ...request, out, precisions: 'auto' });
    expect(variants).toHaveLength(1);
    expect(variants[0]?.accuracy.passed, searches[0]?.verdict).toBe(true);
    expect(variants[0]?.file).not.toBeNull();
  });
});
