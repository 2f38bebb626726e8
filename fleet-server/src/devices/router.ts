import { decode, isFlotillaError, parseUpTopic, type UpKind } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import type { UpMessage } from '../mqtt/port.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import { publishDesired } from './desired.ts';
import type { Ingest } from './ingest.ts';
import type { IngestHandlers } from './ingest-port.ts';
import { createLanes } from './lanes.ts';
import { ingestState } from './presence.ts';
import { ingestSync } from './sync.ts';

type Handler = (
  fleet: string,
  device: string,
  payload: Uint8Array,
  rest: string,
) => Promise<void> | void;

/** A device says a few things when it connects; one that says more than we can take in must wait. */
const MAX_WAITING = 16;
/** A device waits for the answer before it asks for the next range; several slots may ask at once. */
const MAX_BLOB_REQUESTS = 8;

/**
 * Leads what devices say to the part that takes it in; nothing a device sends stops the server. What
 * a device says of its state is taken in one after the other, so that a birth never overtakes the
 * death after it, and so that a device that talks without end holds up itself only.
 *
 * @param received told the kind of each message, to count them
 */
export function createRouter(
  context: ServerContext,
  handlers: IngestHandlers,
  ingest: Ingest,
  blobs: BlobTransfer,
  received: (kind: UpKind) => void = () => {},
): (message: UpMessage) => void {
  const { log } = context;
  const inLane = createLanes(MAX_WAITING);
  const inBlobLane = createLanes(MAX_BLOB_REQUESTS);
  const ignore: Handler = (fleet, device) => {
    log.debug({ fleet, device }, 'a message of a kind that this server does not use is ignored');
  };
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
    blob: (fleet, device, payload, rest) => blobs(fleet, device, rest, payload),
    // it gives no leases for live metrics and sends no commands
    live: ignore,
    cmd: ignore,
  };
  const ordered: ReadonlySet<UpKind> = new Set(['state', 'sync', 'blob']);
  return ({ topic, payload }) => {
    const refused = (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      const level = isFlotillaError(error) ? 'warn' : 'error';
      log[level]({ topic: topic.slice(0, 200), reason }, 'a message is ignored');
    };
    try {
      const { fleet, device, kind, rest } = parseUpTopic(topic);
      received(kind);
      if (!ordered.has(kind)) return void table[kind](fleet, device, payload, rest);
      const work = async () => table[kind](fleet, device, payload, rest);
      // blobs have a lane of their own: they wait for their rate
      const lane = kind === 'blob' ? inBlobLane : inLane;
      const taken = lane(`${fleet} ${device}`, () => work().catch(refused));
      if (!taken) log.debug({ fleet, device, kind }, 'a message of a device that talks too much');
    } catch (error) {
      refused(error);
    }
  };
}
