/**
 * A device is hit at every step, operation and moment of its life. It serves the old model or the new
 * one within ten seconds of the restart, and nothing that was acknowledged is lost.
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { skipOrFail } from '../support/skip.ts';
import { bundleAgent } from './crash-matrix/agent-process.ts';
import { type Hit, SERVES_WITHIN_MS, textTable } from './crash-matrix/hit.ts';
import { SAMPLE, SCENARIOS, WHOLE } from './crash-matrix/matrix.ts';

const LONG = process.env.FLOTILLA_LONG === '1';
/** A seed repeats the order of hits; their moments hang on the machine too. */
const SEED = Number(process.env.FLOTILLA_SEED ?? randomInt(2 ** 31));

const hits: Hit[] = [];
let folder: string;
let main: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-crashes-'));
  main = await bundleAgent(join(folder, 'agent'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  if (LONG) process.stdout.write(`\n${textTable(hits)}\n\n`);
});

const isWell = ({ served, serveMs, lost }: Hit): boolean =>
  served !== 'nothing' && serveMs <= SERVES_WITHIN_MS && lost === 0;

test.for(SCENARIOS)(
  `$name (FLOTILLA_SEED=${SEED})`,
  {
    timeout: LONG ? 1_800_000 : 600_000,
  },
  async ({ run }) => {
    const scale = LONG ? WHOLE : SAMPLE;
    const found = await run({ main, folder, scale, seed: SEED, skipped: skipOrFail });
    hits.push(...found);
    expect(found.filter((hit) => !isWell(hit))).toEqual([]);
  },
);
