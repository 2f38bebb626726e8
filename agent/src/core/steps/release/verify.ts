import { AGENT_SLOT, FlotillaError, platformOf, releasePath } from '@flotilla/protocol';
import type { StepOf } from '../../plan.ts';
import { attemptIn, type StepContext } from '../context.ts';
import { verifyBlobs } from '../verify.ts';
import { readRelease } from './release.ts';

/** Reads every byte of the release again, and checks that it is the one named and runs here. */
export async function verifyRelease(
  context: StepContext,
  { deployment }: StepOf<'verify'>,
  signal: AbortSignal,
): Promise<void> {
  await verifyBlobs(context, deployment.digest, signal);
  const { config } = await readRelease(context, deployment.digest);
  const { updater, journal } = context;
  const path = releasePath(config);
  if (path !== deployment.targetPath) {
    const reason = `it is ${path}, not ${deployment.targetPath}`;
    throw new FlotillaError('bundle.invalid', { where: deployment.digest, reason });
  }
  const platform = platformOf(config);
  if (platform !== updater.platform || !updater.libc.startsWith(config.libc)) {
    const reason = `it runs on ${platform} with ${config.libc}, and this is ${updater.platform} with ${updater.libc || 'another'}`;
    throw new FlotillaError('deployment.unfit', {
      bundle: `${AGENT_SLOT}@${config.release}`,
      reason,
    });
  }
  await journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'verified';
  });
}
