import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { AgentStatus, Loading } from '../../core/index.ts';

type Attempt = AgentStatus['attempts'][number];

const POLL_MS = 50;

/** Steps of a bundle that was taken in, with the share of the work that is done when each begins. */
const SHARES: Readonly<Record<string, number>> = {
  verify: 0.5,
  selfTest: 0.6,
  activate: 0.85,
  watch: 0.95,
  commit: 0.99,
};

/**
 * Waits until the attempt that a loading began has ended well.
 *
 * @param ask for the attempts of the agent that carries it out
 * @throws FlotillaError `load.failed`
 */
export async function followLoading(
  { deployment, slot, model, version }: Loading,
  ask: () => Promise<readonly Attempt[]>,
  onStep: (step: string, share: number) => void,
): Promise<Attempt> {
  for (;;) {
    const attempt = (await ask()).find((it) => it.deployment === deployment);
    const { result, step = '', detail = '' } = attempt ?? {};
    if (attempt !== undefined && result === 'RESULT_COMMITTED') return attempt;
    if (result !== 'RESULT_IN_PROGRESS') {
      const reason = detail || 'something else was asked for meanwhile';
      const bundle = `${model}@${version}`;
      throw new FlotillaError('load.failed', { bundle, slot, step: step || 'load', reason });
    }
    onStep(step, SHARES[step] ?? 0.5);
    await sleep(POLL_MS);
  }
}
