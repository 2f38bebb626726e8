import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ArtifactInfo, ArtifactStore } from '../registry/artifacts.ts';
import { parseRange } from './range.ts';

/**
 * Answers with an artifact, whole or in ranges. The name is the content, so the entity tag is strong
 * and the answer never changes.
 */
export function sendArtifact(
  artifacts: ArtifactStore,
  { digest, size }: ArtifactInfo,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
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
      .send(request.method === 'HEAD' ? undefined : artifacts.read(digest));
  }
  const { first, last } = range;
  return reply
    .code(206)
    .header('content-range', `bytes ${first}-${last}/${size}`)
    .header('content-length', last - first + 1)
    .send(request.method === 'HEAD' ? undefined : artifacts.read(digest, range));
}
