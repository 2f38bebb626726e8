import type { Capabilities } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { TOY_CAPABILITIES } from '../testing/core-bed.ts';
import { createDeviceWatch } from './device-watch.ts';
import type { Condition } from './ports.ts';

const MINUTE_MS = 60_000;
const COOL: Condition = { temperatureC: 50, throttledBy: [], bytesWritten: 0 };

interface Minute {
  readonly can?: Partial<Capabilities>;
  readonly zone?: string;
  readonly fares?: Partial<Condition>;
}

/** What is said of a device that is each minute as the test has it, and how it fares in the end. */
async function watch(minutes: readonly Minute[]) {
  const said: string[] = [];
  const say = (level: string) => (message: string) => void said.push(`${level}: ${message}`);
  const stop = new AbortController();
  let minute = 0;
  const watched = createDeviceWatch({
    device: {
      capabilities: async () => ({ ...TOY_CAPABILITIES, ...minutes[minute]?.can }),
      condition: async () => ({ ...COOL, ...minutes[minute]?.fares }),
      timeZone: async () => minutes[minute]?.zone ?? '',
      network: () => Promise.reject(new Error('not asked')),
      resources: () => Promise.reject(new Error('not asked')),
      rssBytes: () => 0,
    },
    clock: {
      now: () => 0,
      monotonic: () => minute * MINUTE_MS,
      async sleep() {
        minute += 1;
        if (minute === minutes.length) stop.abort();
      },
    },
    logger: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    changed: () => void said.push('changed'),
  });
  await watched.run(stop.signal);
  return { said, health: watched.health };
}

test('says when the device can do other things, and not when only free disk changes', async () => {
  const { said } = await watch([
    { can: { diskFreeBytes: 1 } },
    { can: { diskFreeBytes: 2 } },
    { can: { cameras: ['video0: x'] } },
    { can: { cameras: ['video0: x'] } },
  ]);
  expect(said).toEqual(['info: capabilities changed', 'changed']);
});

test('says when the device was moved to another time zone', async () => {
  const { said } = await watch([{ zone: 'UTC' }, { zone: 'UTC' }, { zone: 'Europe/Paris' }]);
  expect(said).toEqual(['info: capabilities changed', 'changed']);
});

test('tells of throttling once when it begins and once when it ends', async () => {
  const hot = { fares: { throttledBy: ['the firmware throttles the processor'] } };
  const { said } = await watch([{}, hot, hot, {}, {}]);
  expect(said).toEqual([
    'warn: the processor is throttled',
    'info: the processor is throttled no more',
  ]);
});

test('counts the bytes that were written in the last hour', async () => {
  const minutes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ fares: { bytesWritten: 1000 + i * 10 } }));
  expect((await watch(minutes(30))).health.bytesWrittenLastHour).toBe(1290);
  const { health } = await watch(minutes(200));
  expect(health).toMatchObject({ bytesWritten: 2990, bytesWrittenLastHour: 600 });
});
