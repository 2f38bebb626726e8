import {
  type Ack,
  type Draft,
  deviceTopics,
  encode,
  type Record as OutboxRecord,
} from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import type { Ingested } from './ingest-port.ts';
import { toRanges } from './ranges.ts';

/** A record as it came in. */
export interface Arrival {
  readonly fleet: string;
  readonly device: string;
  readonly record: OutboxRecord;
  readonly receivedMs: number;
}

/** A record that was dealt with, and how. */
export interface Settled {
  readonly arrival: Arrival;
  readonly result: Ingested;
}

/** Tells each device what of its outbox it may delete. A lost acknowledgement comes with the repeat. */
export function acknowledge(
  { broker, log }: Pick<ServerContext, 'broker' | 'log'>,
  settled: readonly Settled[],
): void {
  const groups = Map.groupBy(settled, ({ arrival: { fleet, device, record } }) =>
    [fleet, device, record.outbox].join(' '),
  );
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { fleet, device, record } = first.arrival;
    const topic = deviceTopics(fleet, device).down.ack;
    const payload = encode('Ack', toAck(record.outbox, group));
    broker.publish(topic, payload, { qos: 1, retain: false }).catch((error: Error) => {
      log.warn({ fleet, device, reason: error.message }, 'acknowledgement not published');
    });
  }
}

function toAck(outbox: string, settled: readonly Settled[]): Draft<Ack> {
  const stored = settled.filter(({ result }) => result.stored);
  const codes = Map.groupBy(settled, ({ result }) => (result.stored ? '' : result.code));
  codes.delete('');
  const rangesOf = (group: readonly Settled[]) =>
    toRanges(group.map(({ arrival }) => arrival.record.seq)).map(([first, last]) => ({
      first,
      last,
    }));
  return {
    outbox,
    stored: rangesOf(stored),
    rejected: [...codes].flatMap(([code, group]) =>
      rangesOf(group).map((range) => ({ range, code })),
    ),
  };
}
