import { expect, test } from 'vitest';
import type { AgentStatus } from '../../core/index.ts';
import { createLogger } from '../logger.ts';
import { attend } from './attend.ts';
import { findServiceManager, type ServiceManager } from './manager.ts';

const health = {
  temperatureC: 0,
  throttledBy: [],
  bytesWritten: 0,
  bytesWrittenLastHour: 0,
  powerMode: '',
};
const status = { online: false, slots: [{ ready: true }], health } as unknown as AgentStatus;
const silent = createLogger('silent');

/** What a manager hears of an agent whose slots do not answer at some of the beats. */
async function hear(
  beats: readonly (readonly string[])[],
  watchdogMs?: number,
  why: 'stop' | 'relaunch' = 'stop',
) {
  const heard: string[] = [];
  const { promise: ended, resolve: end } = Promise.withResolvers<'stop' | 'relaunch'>();
  let beat = 0;
  const manager: ServiceManager = {
    watchdogMs,
    tell: async (...assignments) => void heard.push(assignments.join(' ')),
  };
  const agent = {
    status: () => status,
    unresponsive() {
      if (beat === beats.length - 1) end(why);
      return beats[beat++] ?? [];
    },
  };
  await attend(agent, manager, silent, ended);
  return heard;
}

test('no sign of life is given while a slot does not answer', async () => {
  expect(await hear([[], ['parts'], []], 4)).toEqual([
    'READY=1 WATCHDOG=1 STATUS=not connected, 1 of 1 slots ready',
    'STATUS=no answer from parts',
    'READY=1 WATCHDOG=1 STATUS=not connected, 1 of 1 slots ready',
    'STOPPING=1 STATUS=stopping',
  ]);
});

test('the service does not end while one agent makes way for another', async () => {
  expect((await hear([[]], 4, 'relaunch')).at(-1)).toBe(
    'WATCHDOG=1 STATUS=another release of the agent starts',
  );
});

test('without a watchdog, it is told once that the agent is ready', async () => {
  expect(await hear([[]])).toHaveLength(2);
});

test('without a manager, an agent is attended until it ends', async () => {
  const env = { WATCHDOG_USEC: '1' };
  expect(findServiceManager(env, silent)).toBeUndefined();
  const agent = { status: () => status, unresponsive: () => [] };
  await attend(agent, undefined, silent, Promise.resolve('stop'));
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['0', undefined],
  ['30000000', 30_000],
  ['soon', undefined],
])('a watchdog of %j microseconds is one of %j ms', (microseconds, expected) => {
  const env = { NOTIFY_SOCKET: '/run/none', WATCHDOG_USEC: microseconds };
  expect(findServiceManager(env, silent)?.watchdogMs).toBe(expected);
});

test('a socket that nobody reads stops nothing', async () => {
  await findServiceManager({ NOTIFY_SOCKET: '/nowhere' }, silent)?.tell('READY=1');
});
