import type { Logger } from '../../core/index.ts';
import type { AgentConfig } from '../config.ts';
import type { NodeAgentOptions } from '../create-agent.ts';
import type { Io } from './command.ts';
import { readQuota } from './shared.ts';

/** What the settings of a command say of the agent that it makes. */
export const agentOptionsOf = (config: AgentConfig, io: Io, logger: Logger): NodeAgentOptions => ({
  data: config.data,
  telemetryWindowMs: config.telemetryWindowMs,
  threads: config.threads,
  maxBatch: Math.max(1, config.maxBatch),
  batchDelayMs: config.batchDelayMs,
  maxQueue: Math.max(1, config.maxQueue),
  providers: providersOf(config),
  ortLibrary: config.ortLibrary,
  ...(io.env.LD_LIBRARY_PATH ? { libraryPath: io.env.LD_LIBRARY_PATH } : {}),
  ...(io.env.TZ ? { timeZone: io.env.TZ } : {}),
  selfTestTimeoutMs: config.selfTestTimeoutMs,
  loadTimeoutMs: config.loadTimeoutMs,
  watchLatencyFactor: config.watchLatencyFactor,
  watchMemoryBytes: config.watchMemoryBytes,
  maxLatencyMs: config.maxLatencyMs,
  maxModelBytes: config.maxModelBytes,
  diskQuota: readQuota(config.diskQuota),
  bandwidth: config.bandwidth,
  metered: config.metered,
  updateTimeoutMs: config.updateTimeoutMs,
  logger,
});

const providersOf = ({ providers }: Pick<AgentConfig, 'providers'>): string[] =>
  providers.split(',').map((provider) => provider.trim());
