import type { EarlyThread } from '@flotilla/model/thread-early';
import { EXIT_RELAUNCH } from '../core/index.ts';
import { agentOptionsOf } from './commands/agent-options.ts';
import type { Io } from './commands/command.ts';
import type { AgentConfig } from './config.ts';
import { createAgent } from './create-agent.ts';
import { announceRunning } from './data-folder.ts';
import { openFlows } from './flows/open-flows.ts';
import { serveLocal } from './http/server.ts';
import { HEALTHY } from './launcher/run-agent.ts';
import { localRoutes } from './local-routes.ts';
import { createLogger } from './logger.ts';
import { createSelfUpdater } from './self-update/updater.ts';
import { attend } from './service/attend.ts';
import { findServiceManager } from './service/manager.ts';
import { makeLocalToken } from './side-load/local-token.ts';

/** Longest time for the end of an agent that makes way for another. */
const STOP_MS = 20_000;

/**
 * Runs the models of the device until it is asked to end, or to make way for another agent.
 *
 * @param thread of the first model; it is ended if the device has none
 */
export async function runAgent(
  config: AgentConfig,
  io: Io,
  json: boolean,
  thread: EarlyThread,
): Promise<void> {
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
  const agent = await createAgent({ ...agentOptionsOf(config, io, logger), updater, thread });
  thread.end();
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
      if (json) io.print(JSON.stringify(ready));
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
}
