import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Mosquitto, startMosquitto } from '../../../../test/support/mosquitto.ts';
import { createFlowBed, type FlowBed, untilFlow } from '../../testing/flow-bed.ts';
import { grayImage } from '../../testing/parts-bundle.ts';
import type { FlowRecord } from './record.ts';

const broker: Mosquitto | undefined = await startMosquitto();

describe.skipIf(broker === undefined)('topics of a broker', () => {
  const { url = '', port = 0, admin } = broker ?? {};
  let bed: FlowBed;
  let client: MqttClient;
  const heard: FlowRecord[] = [];

  beforeAll(async () => {
    bed = await createFlowBed();
    client = await mqtt.connectAsync(url, { ...admin, reconnectPeriod: 50 });
    client.on('message', (_topic, payload) => heard.push(JSON.parse(`${payload}`)));
    await client.subscribeAsync('flotilla/results');
  });
  afterAll(async () => {
    await bed.close();
    await client.endAsync();
    await broker?.stop();
  });

  test('bring images and take results, also after the broker was gone', {
    timeout: 60_000,
  }, async () => {
    const login = `username: ${admin?.username}, password: ${admin?.password}`;
    const withLogin = `mqtt://${admin?.username}:${admin?.password}@127.0.0.1:${port}`;
    const flows = await bed.start(`flows:
  - name: belt
    model: parts
    source: { mqtt: { url: "${url}", topic: flotilla/+/frames, ${login} }, queue: 20, maxBytes: 100kB }
    sinks: [{ mqtt: { url: "${withLogin}", topic: flotilla/results }, tries: 50 }]
`);
    const image = await grayImage(90);
    const feed = (topic: string, payload: Buffer | string) =>
      client.publishAsync(`flotilla/${topic}/frames`, payload, { qos: 1 });
    // whoever subscribes later misses what came before
    await vi.waitFor(
      async () => {
        await feed('lyon', image);
        expect(heard.length).toBeGreaterThan(0);
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(heard[0]).toMatchObject({ flow: 'belt', source: 'flotilla/lyon/frames' });
    expect(heard[0]?.prediction).toMatchObject({ kind: 'classification' });

    await feed('lyon', 'no image');
    await feed('lyon', Buffer.alloc(200_000));
    await untilFlow(flows, ({ failed }) => failed === 2);
    expect(bed.log.join('\n')).toContain('200000 bytes, more than the limit of 100000');

    await broker?.restart();
    await untilFlow(flows, ({ restarts }) => restarts > 0);
    await client.subscribeAsync('flotilla/results');
    heard.length = 0;
    await vi.waitFor(
      async () => {
        await feed('nice', image);
        expect(heard.length).toBeGreaterThan(0);
      },
      { timeout: 30_000, interval: 300 },
    );
    const shown = JSON.stringify(flows.status()) + bed.log.join('\n');
    expect(shown).not.toContain(admin?.password);
    await flows.stop();
  });
});
