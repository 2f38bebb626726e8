import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { ServerContext } from '../context.ts';

/** What the server counts, in Prometheus' text format. */
export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
  /** A message came from a device. */
  received(kind: string): void;
}

export function createMetrics({ db }: Pick<ServerContext, 'db'>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const messages = new Counter({
    name: 'flotilla_device_messages_total',
    help: 'Messages from devices by kind of topic',
    labelNames: ['kind'],
    registers: [registry],
  });
  new Gauge({
    name: 'flotilla_devices',
    help: 'Devices by fleet and whether they are connected',
    labelNames: ['fleet', 'online'],
    registers: [registry],
    async collect() {
      const rows = await db
        .selectFrom('devices')
        .select((e) => ['fleet', 'online', e.fn.countAll<number>().as('devices')])
        .groupBy(['fleet', 'online'])
        .execute();
      this.reset();
      for (const { fleet, online, devices } of rows) {
        this.set({ fleet, online: online === 1 ? 'yes' : 'no' }, devices);
      }
    },
  });
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    received: (kind) => messages.inc({ kind }),
  };
}
