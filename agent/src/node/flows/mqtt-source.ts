import { FlotillaError } from '@flotilla/protocol';
import { abortedOf } from './aborted.ts';
import { shownUrl } from './address.ts';
import { connectMqtt } from './mqtt-endpoint.ts';
import type { MqttSourceConfig } from './schema.ts';
import { type Source, type SourcePorts, stamp } from './source.ts';
import { byteCount } from './units.ts';

const MAX_BYTES = 16 << 20;

/** Payloads of a topic as the model's input takes bytes: an encoded image, or features in JSON. */
export function mqttSource(config: MqttSourceConfig, ports: SourcePorts): Source {
  const { mqtt, queue = 1, maxBytes = MAX_BYTES } = config;
  const limit = byteCount(maxBytes);
  const label = `mqtt ${shownUrl(mqtt.url)} ${mqtt.topic}`;
  return {
    label,
    lossless: false,
    room: queue,
    async run({ emit, refuse }, signal) {
      const gone = Promise.withResolvers<string>();
      const connecting = connectMqtt(mqtt, ports, {
        onMessage(topic, payload) {
          const bytes = payload.length;
          if (bytes > limit) {
            const error = new FlotillaError('infer.too-large', { what: 'a message', bytes, limit });
            return refuse(topic, error);
          }
          // room is made at once: a live source does not wait
          void emit({ raw: payload, label: topic, ...stamp(ports), settle: () => undefined });
        },
        onClose: gone.resolve,
      });
      const aborted = abortedOf(signal);
      try {
        const connection = await Promise.race([connecting, aborted.promise]);
        // one that is being made may take long, and is closed when it is there
        if (!connection) return;
        await connection.subscribe([mqtt.topic]);
        const reason = await Promise.race([gone.promise, aborted.promise]);
        if (reason === undefined) return;
        throw new FlotillaError('flow.source-failed', { source: label, reason });
      } finally {
        aborted.forget();
        connecting.then((connection) => connection.close()).catch(() => undefined);
      }
    },
  };
}
