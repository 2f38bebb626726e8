import { EXIT_RELAUNCH } from '../../core/index.ts';
import { createAgent } from '../create-agent.ts';
import { announceRunning } from '../data-folder.ts';
import { openFlows } from '../flows/open-flows.ts';
import { serveLocal } from '../http/server.ts';
import { HEALTHY } from '../launcher/run-agent.ts';
import { localRoutes } from '../local-routes.ts';
import { createLogger } from '../logger.ts';
import { createSelfUpdater } from '../self-update/updater.ts';
import { attend } from '../service/attend.ts';
import { findServiceManager } from '../service/manager.ts';
import { makeLocalToken } from '../side-load/local-token.ts';
import { agentOptionsOf } from './agent-options.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

/** Longest time for the end of an agent that makes way for another. */
const STOP_MS = 20_000;

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
    const { io } = input;
    const config = configOf(input);
    const logger = createLogger(config.logLevel);
    const relaunch = Promise.withResolvers<'relaunch'>();
    const updater = createSelfUpdater({
      data: config.data,
      env: io.env,
      logger,
      relaunch() {
        io.exitWith(EXIT_RELAUNCH, STOP_MS);
        relaunch.resolve('relaunch');
      },
    });
    const agent = await createAgent({ ...agentOptionsOf(config, io, logger), updater });
    const stdin = () => process.stdin;
    const flows = await openFlows(config.flows, { agent, logger, stdin });
    try {
      const listen = config.http.split(',').map((address) => address.trim());
      const { maxRequestBytes } = config;
      const routes = localRoutes(agent, await makeLocalToken(config.data, logger), flows);
      const server = await serveLocal(routes, { listen, maxRequestBytes });
      try {
        const { addresses } = server;
        const [address = ''] = addresses;
        await announceRunning(config.data, { pid: process.pid, address }).catch((error) => {
          logger.error('this agent cannot be found by commands on the device', { error });
        });
        const { device, fleet } = agent.status();
        const { slots } = agent;
        const ready = { ready: true, address, addresses, device, fleet, pid: process.pid, slots };
        if (input.values.json) io.print(JSON.stringify(ready));
        else
          io.print(
            `${fleet === '' ? 'a device in no fleet' : `device ${device} of fleet ${fleet}`} serves inference at ${addresses.join(' and ')}`,
          );
        io.tellLauncher(HEALTHY);
        const ended = Promise.race([io.ended.then(() => 'stop' as const), relaunch.promise]);
        await attend(agent, findServiceManager(io.env, logger), logger, ended);
      } finally {
        await server.close();
      }
    } finally {
      await flows.stop();
      await agent.stop();
    }
  },
};
