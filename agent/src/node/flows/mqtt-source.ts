import { FlotillaError } from '@flotilla/protocol';
import { connectMqtt } from './mqtt-endpoint.ts';
import { shownUrl } from './redact.ts';
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
      const connection = await connectMqtt(mqtt, ports, {
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
      const leave = () => gone.resolve('');
      signal.addEventListener('abort', leave, { once: true });
      try {
        if (signal.aborted) return;
        await connection.subscribe([mqtt.topic]);
        const reason = await gone.promise;
        if (!signal.aborted)
          throw new FlotillaError('flow.source-failed', { source: label, reason });
      } finally {
        signal.removeEventListener('abort', leave);
        await connection.close();
      }
    },
  };
}
