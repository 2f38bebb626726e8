import type { IncomingHttpHeaders } from 'node:http';

/** A request whose path matched a route, with its whole body, decompressed. */
export interface HttpRequest {
  /** What the path holds where the route says `:name`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Empty where none came. */
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Uint8Array | string;
}

/** The same with its body as it comes, of any size. */
export interface StreamRequest extends Omit<HttpRequest, 'body'> {
  readonly query: URLSearchParams;
  /** Throws where the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** One row of the table of what a server answers. */
export type Route = PlainRoute | StreamRoute;

interface Place {
  readonly method: 'GET' | 'POST';
  /** Segments as they are, or `:name` for any one segment; the first row that fits answers. */
  readonly path: string;
}

export interface PlainRoute extends Place {
  /** What it throws is answered as `{error, code}` with the status of the error. */
  handle(request: HttpRequest): HttpAnswer | Promise<HttpAnswer>;
}

interface StreamRoute extends Place {
  readonly method: 'POST';
  /** As `handle`; what it leaves of the body is passed over. */
  handleStream(request: StreamRequest): Promise<HttpAnswer>;
}

export function jsonAnswer(value: unknown, status = 200): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}
