import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../plan.ts';
import { readBundle } from '../serving/bundle.ts';
import type { SelfTestFigures, WantedDeployment } from '../state.ts';
import { attemptIn, type StepContext } from './context.ts';
import { overLimit } from './limits.ts';

/**
 * Runs the model on its golden inputs in a limited child process, compares the outputs, and takes
 * its time and memory. Of what is to serve, they must keep to the limits of this device.
 */
export async function selfTest(
  context: StepContext,
  { deployment }: StepOf<'selfTest'>,
  signal: AbortSignal,
): Promise<void> {
  const { blobs, journal, selfTester, runtimeCache, settings } = context;
  const bundle = await readBundle(blobs, deployment.digest);
  const report = await selfTester.test(
    {
      model: blobs.path(bundle.model.digest),
      golden: blobs.path(bundle.golden.digest),
      need: bundle.config.runtime,
      precision: bundle.config.precision,
      cacheFolder: runtimeCache.folder(deployment.digest),
      memoryBytes: bundle.config.memoryBytes,
      timeoutMs: settings.selfTestTimeoutMs,
    },
    signal,
  );
  const { reason, fallbacks, ...measured } = report;
  // JSON, in which the journal is written, has no infinity
  const finite = (value: number) => Math.min(value, Number.MAX_VALUE);
  const maxAbsError = finite(report.maxAbsError);
  const toleranceUsed = finite(report.toleranceUsed);
  const figures = { ...measured, maxAbsError, toleranceUsed, fallbacks: [...fallbacks] };
  const fault = judge(context, deployment, figures, reason);
  await journal.update((draft) => {
    const attempt = attemptIn(draft, deployment);
    attempt.selfTest = figures;
    if (fault === undefined) attempt.stage = 'tested';
  });
  if (fault !== undefined) throw fault;
}

function judge(
  { journal, settings }: StepContext,
  { model, version, measureOnly }: WantedDeployment,
  figures: SelfTestFigures,
  reason: string,
): FlotillaError | undefined {
  const bundle = `${model}@${version}`;
  if (!figures.passed) return new FlotillaError('deployment.self-test-failed', { bundle, reason });
  // whoever has it measured wants to know how slow it is
  if (measureOnly) return undefined;
  return overLimit(bundle, figures, journal.state.wanted.limits, settings.limits);
}
