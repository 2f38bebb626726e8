import { asFlotillaError, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { Connection } from '../../core/index.ts';
import { shownUrl } from './address.ts';
import { connectMqtt } from './mqtt-endpoint.ts';
import type { MqttSinkConfig } from './schema.ts';
import { DEFAULT_ROOM, DEFAULT_TRIES, type Sink, type SinkPorts } from './sink.ts';

const ACKNOWLEDGED_MS = 30_000;

/** Publishes each result; the connection is made when there is one, and again when it is gone. */
export function mqttSink(config: MqttSinkConfig, ports: SinkPorts): Sink {
  const { mqtt, qos = 1, retain = false, tries = DEFAULT_TRIES, queue = DEFAULT_ROOM } = config;
  const label = `mqtt ${shownUrl(mqtt.url)} ${mqtt.topic}`;
  let connection: Promise<Connection> | undefined;

  function connected(): Promise<Connection> {
    if (connection !== undefined) return connection;
    const made = connectMqtt(mqtt, ports, {
      onMessage: () => undefined,
      onClose: () => drop(made),
    });
    connection = made;
    made.catch(() => drop(made));
    return made;
  }

  const drop = (gone: Promise<Connection>) => {
    if (connection === gone) connection = undefined;
  };

  /** A broker that says nothing is left: the next try makes a connection of its own. */
  async function publish(json: string): Promise<void> {
    const made = connected();
    const open = await made;
    const over = new AbortController();
    const late = ports.clock.sleep(ACKNOWLEDGED_MS, over.signal).then(() => 'late' as const);
    const sent = open.publish(mqtt.topic, Buffer.from(json), { qos, retain });
    if ((await Promise.race([sent, late]).finally(() => over.abort())) !== 'late') return;
    drop(made);
    open.close().catch(() => undefined);
    const reason = `the broker acknowledged nothing for ${ACKNOWLEDGED_MS / 1000} s`;
    throw new FlotillaError('flow.sink-failed', { sink: label, reason });
  }

  return {
    label,
    batch: 1,
    gatherMs: 0,
    room: queue,
    tries,
    async deliver([parcel]) {
      if (parcel === undefined) return;
      try {
        await publish(parcel.json);
      } catch (cause) {
        if (isFlotillaError(cause, 'flow.sink-failed')) throw cause;
        const reason = asFlotillaError(cause).message;
        throw new FlotillaError('flow.sink-failed', { sink: label, reason }, { cause });
      }
    },
    // one that is being made may take long, and is closed when it is there
    close: async () => void connection?.then((made) => made.close()).catch(() => undefined),
  };
}
