import { FlotillaError } from '@flotilla/protocol';
import type { StepOf } from '../plan.ts';
import { readBundle } from '../serving/bundle.ts';
import { attemptIn, type StepContext } from './context.ts';

/** Runs the model on its golden inputs in a limited child process and compares the outputs. */
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
  const { passed, samples, latencyMs, reason, runtime, provider, fallbacks } = report;
  // JSON, in which the journal is written, has no infinity
  const maxAbsError = Math.min(report.maxAbsError, Number.MAX_VALUE);
  await journal.update((draft) => {
    const attempt = attemptIn(draft, deployment);
    const took = { runtime, provider, fallbacks: [...fallbacks] };
    attempt.selfTest = { passed, samples, maxAbsError, latencyMs, ...took };
    if (passed) attempt.stage = 'tested';
  });
  if (passed) return;
  const { model, version } = deployment;
  throw new FlotillaError('deployment.self-test-failed', { bundle: `${model}@${version}`, reason });
}
