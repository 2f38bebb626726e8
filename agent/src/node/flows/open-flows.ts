import { asFlotillaError } from '@flotilla/protocol';
import type { Flows, FlowsOptions, FlowsStatus } from './flows.ts';

/**
 * The flows that a device in the field runs: without a file none, and none where the file is wrong,
 * because a slip in it must not take the agent along.
 */
export async function openFlows(file: string, options: FlowsOptions): Promise<Flows> {
  const none = (status: Omit<FlowsStatus, 'flows'>): Flows => ({
    status: () => ({ flows: [], ...status }),
    stop: async () => undefined,
  });
  if (file === '') return none({});
  try {
    // loaded where there are flows: the memory of those without them is spared
    const { startFlows } = await import('./flows.ts');
    return await startFlows(file, options);
  } catch (error) {
    options.logger.error('no flow runs', { error });
    return none({ flowsError: asFlotillaError(error).message });
  }
}
