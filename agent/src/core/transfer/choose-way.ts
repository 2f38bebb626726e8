import { isFlotillaError } from '@flotilla/protocol';
import type { Clock, Fetcher } from '../ports.ts';
import type { TransportPolicy } from '../state.ts';
import type { MqttFetcher } from './mqtt-fetcher.ts';

export interface WayOptions {
  readonly http: Fetcher;
  readonly mqtt: MqttFetcher;
  readonly clock: Clock;
  /** At this moment. */
  policy(): TransportPolicy;
}

/** HTTP that did not answer is left alone for so long: each try may take a timeout. */
const BARRED_MS = 300_000;

/** Fetches over HTTP, over MQTT, or over MQTT where HTTP does not answer. */
export function createWayChooser({ http, mqtt, clock, policy }: WayOptions): Fetcher {
  let barredUntilMs = Number.NEGATIVE_INFINITY;
  return {
    async get(url, options) {
      const way = mqtt.reaches(url) ? policy() : 'http';
      const barred = way === 'auto' && clock.monotonic() < barredUntilMs;
      if (way === 'mqtt' || barred) return mqtt.get(url, options);
      try {
        const response = await http.get(url, options);
        barredUntilMs = Number.NEGATIVE_INFINITY;
        return response;
      } catch (error) {
        const dead = isFlotillaError(error, 'agent.unreachable') && !options?.signal?.aborted;
        if (way !== 'auto' || !dead) throw error;
        barredUntilMs = clock.monotonic() + BARRED_MS;
        return mqtt.get(url, options);
      }
    },
  };
}
