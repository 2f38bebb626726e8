import { usage } from './row.ts';

/** The agent on a device. */
export const AGENT_ERRORS = {
  'agent.not-enrolled': usage(
    (c: { data: string }) =>
      `${c.data} holds no enrolled device: run flotilla-agent enroll --server URL --token TOKEN first`,
  ),
} as const;
