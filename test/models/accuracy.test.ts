import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert, type VariantReport } from '@flotilla/converters';
import type { PairedQuality, Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXPECTED } from './expected.ts';
import { loadFile, openJudge } from './zoo/judge.ts';
import { type LaidOut, layOut } from './zoo/lay-out.ts';
import { makeStatic, type StaticInt8, TARGET } from './zoo/static-int8.ts';
import type { Subject } from './zoo/subject.ts';
import { SUBJECTS } from './zoo/subjects.ts';

const models = process.env.FLOTILLA_MODELS ?? '';
const folder = mkdtempSync(join(tmpdir(), 'flotilla-accuracy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Divergence may be as much more than the peer's. */
const PEER = 1.05;
const SIGNIFICANT = 0.05;

/** What `flotilla optimize` would hand over. */
async function handedOver(
  { name }: Subject,
  { modelFile, specFile, folders }: LaidOut,
  precisions: 'auto' | readonly ['int8'],
): Promise<VariantReport> {
  const { samples, scheme } = EXPECTED[name]!;
  const { variants, data } = await convert({
    modelFile,
    specFile,
    version: 1,
    targets: [TARGET],
    precisions,
    ...folders,
    out: join(folder, name, String(precisions)),
    latencyRuns: 5,
    ...(scheme === undefined ? {} : { scheme }),
  });
  expect(data.calibration + data.choice).toBeLessThanOrEqual(samples.calibration);
  const [variant] = variants;
  if (variant === undefined) throw new Error(`${name}: no variant was made`);
  return variant;
}

async function judged(
  { spec }: Subject,
  { modelFile, calibration, evaluation }: LaidOut,
  setting: StaticInt8,
): Promise<PairedQuality> {
  async function* samples(): AsyncGenerator<Tensors> {
    for (const { tensors } of calibration) yield tensors;
  }
  const fp32 = await loadFile(modelFile);
  const int8 = await ortRuntime().load(await makeStatic(modelFile, samples, setting));
  const judge = openJudge(spec, fp32, evaluation);
  const quality = judge.compare(await judge.answers(fp32), await judge.answers(int8));
  await fp32.dispose();
  await int8.dispose();
  return quality;
}

describe.each(SUBJECTS)('$name', (subject) => {
  const { samples, agreement, fp32, peer } = EXPECTED[subject.name]!;
  let files: LaidOut;
  beforeAll(async () => {
    files = await layOut(subject, models, join(folder, subject.name), samples);
  });
  afterAll(() => rmSync(join(folder, subject.name), { recursive: true, force: true }));

  it('agrees with fp32 in static int8, and says where it is noisy', async () => {
    const { accuracy, sqnr, scheme } = await handedOver(subject, files, ['int8']);
    expect(scheme.precision).toBe('int8');
    expect(accuracy.agreement, accuracy.judged).toBeGreaterThanOrEqual(agreement);
    expect(sqnr.length).toBeGreaterThan(0);
    if (fp32 === undefined) return;
    expect(accuracy.fp32).toBeCloseTo(fp32, 2);
    expect(accuracy.passed, accuracy.judged).toBe(true);
  });

  it.runIf(fp32)(
    'hands over a variant within the budget that is no worse than the best peer',
    async () => {
      const { accuracy } = await handedOver(subject, files, 'auto');
      const { lost, won, pValue } = accuracy;
      expect(accuracy.passed, accuracy.judged).toBe(true);
      expect(lost > won && pValue < SIGNIFICANT, accuracy.judged).toBe(false);
      if (peer === undefined) return;
      expect(accuracy.kl).toBeLessThanOrEqual(PEER * Math.min(...Object.values(peer.kl)));
    },
  );

  it.runIf(peer).each(['min-max', 'percentile', 'entropy'] as const)(
    'diverges from fp32 no more than the peer with its settings: %s',
    async (method) => {
      const { perChannel, kl } = peer!;
      const quality = await judged(subject, files, { method, perChannel });
      expect(quality.kl).toBeLessThanOrEqual(PEER * kl[method]);
      const { lost, won, pValue } = quality;
      expect(lost > won && pValue < SIGNIFICANT, `${lost} lost, ${won} won`).toBe(false);
    },
  );
});
