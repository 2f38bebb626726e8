import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { FlotillaError } from '@flotilla/protocol';

/** "deflate" is the zlib structure (RFC 9110 §8.4.1.2). */
const DECODERS = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

/**
 * The whole body of a request, decompressed.
 *
 * @param limit most bytes, as sent and decompressed
 * @throws FlotillaError `infer.too-large`, `http.encoding`, `http.broken-body`
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const decode = DECODERS.get(encoding);
  if (decode === undefined && encoding !== 'identity') {
    throw new FlotillaError('http.encoding', { encoding: encoding.slice(0, 40) });
  }
  const stated = Number(request.headers['content-length'] ?? 0);
  if (stated > limit) throw tooLarge(stated, limit);
  const raw = await collect(request, limit);
  if (decode === undefined) return raw;
  try {
    return await decode(raw, { maxOutputLength: limit });
  } catch (cause) {
    if (isCode(cause, 'ERR_BUFFER_TOO_LARGE')) throw tooLarge(limit + 1, limit);
    throw new FlotillaError('http.broken-body', { encoding }, { cause });
  }
}

async function collect(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // the connection must outlive a refusal, to carry it
  const parts: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of parts) {
    length += chunk.length;
    if (length > limit) throw tooLarge(length, limit);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length);
}

const tooLarge = (bytes: number, limit: number) =>
  new FlotillaError('infer.too-large', { what: 'the request', bytes, limit });

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
