import { PassThrough } from 'node:stream';
import { FlotillaError } from '@flotilla/protocol';
import type { NumberedChange } from '../../changes.ts';
import type { ServerContext } from '../../context.ts';
import { isStillGood } from '../auth.ts';
import type { Routes } from '../http.ts';
import { FleetParams } from '../schemas.ts';

const HEARTBEAT_MS = 15_000;
/** Of telemetry, one event by device and interval: a screen draws no faster. */
const TELEMETRY_MS = 500;
/** A reader that is that far behind is cut off; it comes back with `Last-Event-ID`. */
const MAX_BUFFERED_BYTES = 1 << 20;
const MAX_READERS = 500;

/**
 * Changes of a fleet as server-sent events (HTML Standard §9.2). At each heartbeat it is looked
 * whether the reader's token is still good.
 */
export const eventRoutes =
  (
    context: Pick<ServerContext, 'changes' | 'db' | 'now'>,
    heartbeatMs: number = HEARTBEAT_MS,
  ): Routes =>
  async (app) => {
    const streams = new Set<PassThrough>();
    app.addHook('preClose', async () => {
      for (const stream of streams) stream.end();
    });
    app.get(
      '/api/1/fleets/:fleet/events',
      {
        config: { access: 'viewer' },
        schema: {
          summary: 'Changes as they happen; event `reset` says to read everything again',
          params: FleetParams,
        },
      },
      (request, reply) => {
        const { fleet } = request.params;
        if (streams.size >= MAX_READERS) {
          throw new FlotillaError('server.busy', { what: 'readers of events', limit: MAX_READERS });
        }
        const stream = new PassThrough();
        streams.add(stream);
        const throttle = createTelemetryThrottle(context.now);
        const write = (change: NumberedChange) => {
          if (change.change.fleet !== fleet || throttle(change)) return;
          if (stream.writableLength > MAX_BUFFERED_BYTES) stream.destroy();
          else stream.write(toEvent(change));
        };
        stream.write('retry: 1000\n\n');
        const last = request.headers['last-event-id'];
        if (typeof last === 'string') {
          const missed = context.changes.since(last);
          if (missed === undefined) stream.write('event: reset\ndata: {}\n\n');
          else for (const change of missed) write(change);
        }
        const stop = context.changes.subscribe(write);
        const beat = async () => {
          if (await isStillGood(context, request.principal)) stream.write(': alive\n\n');
          else stream.end();
        };
        const heartbeat = setInterval(() => beat().catch(() => stream.end()), heartbeatMs);
        stream.on('close', () => {
          stop();
          clearInterval(heartbeat);
          streams.delete(stream);
        });
        request.raw.on('close', () => stream.destroy());
        return reply
          .type('text/event-stream')
          .header('cache-control', 'no-cache')
          .header('x-accel-buffering', 'no')
          .send(stream);
      },
    );
  };

function toEvent({ id, change }: NumberedChange): string {
  const { topic, id: subject, data } = change;
  return `id: ${id}\nevent: ${topic}\ndata: ${JSON.stringify({ id: subject, ...data })}\n\n`;
}

/** @returns whether to leave an event out, since its device had one just before */
function createTelemetryThrottle(now: () => number): (change: NumberedChange) => boolean {
  const last = new Map<string, number>();
  return ({ change }) => {
    if (change.topic !== 'telemetry') return false;
    const time = now();
    if (time - (last.get(change.id) ?? 0) < TELEMETRY_MS) return true;
    last.set(change.id, time);
    return false;
  };
}
