import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent, Logger } from '../../core/index.ts';
import type { ServiceManager } from './manager.ts';

/** Signs of life in the time of one watchdog: systemd before 246 may lose one now and then. */
const BEATS = 4;

/**
 * Tells the service manager that the agent is up, gives signs of life for as long as the event
 * loop turns and every slot answers, and says goodbye when the process is asked to end.
 *
 * @param ended `relaunch` where another agent comes in the place of this one
 */
export async function attend(
  agent: Pick<Agent, 'unresponsive' | 'status'>,
  manager: ServiceManager | undefined,
  logger: Logger,
  ended: Promise<'stop' | 'relaunch'>,
): Promise<void> {
  if (manager === undefined) return void (await ended);
  const stop = new AbortController();
  const beating = beat(agent, manager, logger, stop.signal);
  const why = await ended;
  stop.abort();
  await beating;
  if (why === 'stop') await manager.tell('STOPPING=1', 'STATUS=stopping');
  // the service goes on
  else await manager.tell('WATCHDOG=1', 'STATUS=another release of the agent starts');
}

async function beat(
  agent: Pick<Agent, 'unresponsive' | 'status'>,
  { tell, watchdogMs }: ServiceManager,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const silent = agent.unresponsive();
    if (silent.length === 0) {
      await tell('READY=1', 'WATCHDOG=1', `STATUS=${describe(agent)}`);
    } else {
      logger.error('slots do not answer: the watchdog will restart the agent', { slots: silent });
      await tell(`STATUS=no answer from ${silent.join(', ')}`);
    }
    if (watchdogMs === undefined) return;
    await sleep(watchdogMs / BEATS, undefined, { signal }).catch(() => undefined);
  }
}

function describe(agent: Pick<Agent, 'status'>): string {
  const { online, slots, health } = agent.status();
  const ready = slots.filter((slot) => slot.ready).length;
  const heat = health.throttledBy.length > 0 ? ', throttled' : '';
  return `${online ? 'connected' : 'not connected'}, ${ready} of ${slots.length} slots ready${heat}`;
}
