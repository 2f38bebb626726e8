import { decode, isFlotillaError, parseUpTopic, type UpKind } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import type { UpMessage } from '../mqtt/port.ts';
import { publishDesired } from './desired.ts';
import type { Ingest } from './ingest.ts';
import type { IngestHandlers } from './ingest-port.ts';
import { ingestState } from './presence.ts';
import { ingestSync } from './sync.ts';

type Handler = (fleet: string, device: string, payload: Uint8Array) => Promise<void> | void;

/**
 * Leads what devices say to the part that takes it in; nothing a device sends stops the server.
 *
 * @param received told the kind of each message, to count them
 */
export function createRouter(
  context: ServerContext,
  handlers: IngestHandlers,
  ingest: Ingest,
  received: (kind: UpKind) => void = () => {},
): (message: UpMessage) => void {
  const { log } = context;
  const take: Handler = (fleet, device, payload) => ingest.take(fleet, device, payload);
  const table: Record<UpKind, Handler> = {
    async state(fleet, device, payload) {
      const taken = await ingestState(context, fleet, device, decode('State', payload));
      if (!taken) log.debug({ fleet, device }, 'a stale state is ignored');
    },
    async sync(fleet, device, payload) {
      const sync = decode('Sync', payload);
      const known = await ingestSync(context, handlers, fleet, device, sync);
      if (known) await publishDesired(context, fleet, device);
    },
    report: take,
    telemetry: take,
    live(fleet, device) {
      context.changes.emit({ topic: 'telemetry', fleet, id: device });
    },
    cmd(fleet, device, payload) {
      const { ok, code } = decode('CommandResult', payload);
      context.changes.emit({ topic: 'device', fleet, id: device, data: { ok, code } });
    },
    blob(fleet, device) {
      log.debug({ fleet, device }, 'blobs over MQTT are not taken: devices use HTTP');
    },
  };
  return ({ topic, payload }) => {
    const refused = (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      const level = isFlotillaError(error) ? 'warn' : 'error';
      log[level]({ topic: topic.slice(0, 200), reason }, 'a message is ignored');
    };
    try {
      const { fleet, device, kind } = parseUpTopic(topic);
      received(kind);
      Promise.resolve(table[kind](fleet, device, payload)).catch(refused);
    } catch (error) {
      refused(error);
    }
  };
}
