import type { Draft, Window } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { systemClock } from '../../node/system-clock.ts';
import { createPowerCutStorage } from '../../testing/power-cut-storage.ts';
import { createFleetClock } from '../link/fleet-clock.ts';
import { openOutbox } from '../outbox/outbox.ts';
import { createWakeup } from '../wakeup.ts';
import { runTelemetry, type TelemetryPorts } from './run.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const resources = { rssBytes: 1, cpuMs: 1, temperatureC: 0, throttled: false, bytesWritten: 0 };

test('stores windows at once when the server shortens them in the midst of a long one', async () => {
  const clock = createFleetClock(systemClock);
  const wakeup = createWakeup(clock);
  const ended: Draft<Window>[] = [];
  const recorder: TelemetryPorts['recorder'] = {
    take: () => ended.splice(0),
    closeAll: () => undefined,
    untilBoundary: () => 3_600_000,
    putBack: () => undefined,
  };
  const outbox = await openOutbox(createPowerCutStorage(), () => '0123456789abcdef');
  const { promise, resolve } = Promise.withResolvers<void>();
  const device = {
    capabilities: () => Promise.reject(new Error('not asked')),
    condition: () => Promise.reject(new Error('not asked')),
    network: () => Promise.reject(new Error('not asked')),
    resources: async () => resources,
    timeZone: async () => '',
    rssBytes: () => 0,
  };
  const stop = new AbortController();
  const isTold = ({ slot }: Draft<Window>) => slot === 'parts';
  const stored = resolve;
  const ports = { recorder, outbox, clock, device, logger: silent, wakeup, isTold, stored };
  const running = runTelemetry(ports, stop.signal);
  ended.push({ slot: 'other', inferences: 1 }, { slot: 'parts', inferences: 7 });
  wakeup.wake();
  await promise;
  expect(outbox.counts().pending).toBe(1);
  stop.abort();
  await running;
});
