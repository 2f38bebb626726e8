import { expect, test } from 'vitest';
import type { Connection, Transport } from '../../core/index.ts';
import { systemClock } from '../system-clock.ts';
import { mqttSink } from './mqtt-sink.ts';

test('leaves a broker that acknowledges nothing, and publishes over a new connection', async () => {
  const made: { published: string[]; closed: boolean }[] = [];
  const transport: Transport = {
    async connect() {
      const own = { published: [] as string[], closed: false };
      const answers = made.push(own) > 1;
      const connection: Connection = {
        async publish(_topic, payload) {
          own.published.push(Buffer.from(payload).toString());
          if (!answers) await new Promise(() => undefined);
        },
        subscribe: async () => undefined,
        close: async () => {
          own.closed = true;
        },
      };
      return connection;
    },
  };
  const slept: number[] = [];
  // half a minute passes in no time, but after whatever is acknowledged
  const clock = {
    ...systemClock,
    async sleep(milliseconds: number) {
      slept.push(milliseconds);
      await systemClock.sleep(1);
    },
  };
  const ports = { folder: '/', clock, random: Math.random, transport };
  const sink = mqttSink({ mqtt: { url: 'mqtt://broker.test', topic: 'results' } }, ports);
  const deliver = () => sink.deliver([{ id: 'a', json: '{}' }], AbortSignal.timeout(10_000));
  await expect(deliver()).rejects.toMatchObject({
    code: 'flow.sink-failed',
    context: { reason: 'the broker acknowledged nothing for 30 s' },
  });
  expect(slept).toEqual([30_000]);
  expect(made[0]?.closed).toBe(true);
  await deliver();
  expect(made.map(({ published }) => published)).toEqual([['{}'], ['{}']]);
  await sink.close();
});
