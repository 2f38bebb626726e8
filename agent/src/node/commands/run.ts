import { startThreadEarly } from '@flotilla/model/thread-early';
import { useCodeCache } from '../code-cache.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const runCommand: Command = {
  usage: 'run [--data DIR] [--http 127.0.0.1:PORT,unix:PATH] [--flows FILE]',
  summary: 'Run the models of this device and keep it in step with its fleet.',
  options: {
    data: configOption('data', 'DIR'),
    http: configOption('http', 'ADDRESS'),
    'telemetry-window': configOption('telemetryWindowMs', 'MS'),
    threads: configOption('threads', 'N'),
    providers: configOption('providers', 'LIST'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    'max-batch': configOption('maxBatch', 'N'),
    'batch-delay': configOption('batchDelayMs', 'MS'),
    'max-queue': configOption('maxQueue', 'N'),
    'max-request': configOption('maxRequestBytes', 'BYTES'),
    'self-test-timeout': configOption('selfTestTimeoutMs', 'MS'),
    'load-timeout': configOption('loadTimeoutMs', 'MS'),
    'watch-latency-factor': configOption('watchLatencyFactor', 'N'),
    'watch-memory': configOption('watchMemoryBytes', 'BYTES'),
    'max-latency': configOption('maxLatencyMs', 'MS'),
    'max-model-memory': configOption('maxModelBytes', 'BYTES'),
    'disk-quota': configOption('diskQuota', 'BYTES'),
    flows: configOption('flows', 'FILE'),
    bandwidth: configOption('bandwidth', 'BYTES'),
    metered: configOption('metered', 'LINK'),
    'update-timeout': configOption('updateTimeoutMs', 'MS'),
    log: configOption('logLevel', 'LEVEL'),
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent run --data /var/lib/flotilla',
    'flotilla-agent run --data ./device --http unix:/run/flotilla.sock --telemetry-window 5000',
    'flotilla-agent run --data ./device --flows flows.yaml',
    'flotilla-agent run --data ./device --bandwidth 50000 --metered yes',
  ],
  async run(input) {
    const config = configOf(input);
    useCodeCache(config.data);
    const thread = startThreadEarly();
    const { runAgent } = await import('../run-agent.ts');
    await runAgent(config, input.io, input.values.json === true, thread);
  },
};
