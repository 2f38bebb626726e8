import { FlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../../context.ts';
import type { Routes } from '../http.ts';
import { parseRange } from '../range.ts';
import { Digest, FleetAnd } from '../schemas.ts';

/**
 * Blobs by digest, whole or in ranges. The name is the content, so the entity tag is strong and
 * the answer never changes. A fleet reads only what its own bundles name.
 */
export const blobRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/api/1/fleets/:fleet/blobs/:digest',
      config: { access: 'device' },
      schema: { summary: 'A blob of a bundle', params: FleetAnd({ digest: Digest }) },
      handler: async (request, reply) => {
        const { fleet, digest } = request.params;
        const size = await sizeOf(context, fleet, digest);
        const etag = `"${digest}"`;
        reply
          .header('etag', etag)
          .header('accept-ranges', 'bytes')
          .header('cache-control', 'private, max-age=31536000, immutable')
          .type('application/octet-stream');
        if (request.headers['if-none-match'] === etag) return reply.code(304).send();
        const wanted = request.headers['if-range'];
        const stale = wanted !== undefined && wanted !== etag;
        const range = stale ? 'whole' : parseRange(request.headers.range, size);
        if (range === 'unsatisfiable') {
          return reply.code(416).header('content-range', `bytes */${size}`).send();
        }
        if (range === 'whole') {
          return reply
            .header('content-length', size)
            .send(request.method === 'HEAD' ? undefined : context.artifacts.read(digest));
        }
        const { first, last } = range;
        return reply
          .code(206)
          .header('content-range', `bytes ${first}-${last}/${size}`)
          .header('content-length', last - first + 1)
          .send(request.method === 'HEAD' ? undefined : context.artifacts.read(digest, range));
      },
    });
  };

async function sizeOf(context: ServerContext, fleet: string, digest: string): Promise<number> {
  const granted = await context.db
    .selectFrom('blobs')
    .select('size')
    .where('fleet', '=', fleet)
    .where('digest', '=', digest)
    .executeTakeFirst();
  const info = granted === undefined ? undefined : await context.artifacts.stat(digest);
  if (info === undefined) throw new FlotillaError('server.not-found', { what: 'blob', id: digest });
  return info.size;
}
