import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../plan.ts';
import { readBundle } from '../serving/bundle.ts';
import { attemptIn, type StepContext } from './context.ts';
import { overLimit } from './limits.ts';

/**
 * Runs the model on its golden inputs in a limited child process, compares the outputs, and takes
 * its time and memory, which must keep to the limits of this device.
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
  const maxAbsError = Math.min(report.maxAbsError, Number.MAX_VALUE);
  const figures = { ...measured, maxAbsError, fallbacks: [...fallbacks] };
  const name = `${deployment.model}@${deployment.version}`;
  const fault = report.passed
    ? overLimit(name, figures, journal.state.wanted.limits, settings.limits)
    : new FlotillaError('deployment.self-test-failed', { bundle: name, reason });
  await journal.update((draft) => {
    const attempt = attemptIn(draft, deployment);
    attempt.selfTest = figures;
    if (fault === undefined) attempt.stage = 'tested';
  });
  if (fault !== undefined) throw fault;
}
