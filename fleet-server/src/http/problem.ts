import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { explain } from './explain.ts';

/** Body of an error answer (RFC 9457), with our code and what a program may want of the context. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly retryable: boolean;
  /** Of a selector that is wrong: its text, and the 1-based character where. */
  readonly selector?: string;
  readonly at?: number;
  /** Of a body or a query that is wrong: the field, as `waves` or `gates.maxLatencyRise`. */
  readonly field?: string;
}

/** Answers every error as problem+json; what we did not foresee is logged and not shown. */
export function addProblems(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError | FlotillaError>((error, request, reply) => {
    const known = toFlotilla(error, request);
    if (known.code === 'internal.unexpected') request.log.error({ err: error }, known.message);
    const status = statusOf(error, known);
    const problem: Problem = {
      type: `urn:flotilla:error:${known.code}`,
      title: known.code,
      status,
      detail: known.message,
      instance: request.url.split('?', 1)[0] ?? '',
      code: known.code,
      retryable: known.retryable,
      ...(isFlotillaError(known, 'selector.invalid') && placeOf(known)),
      ...fieldOf(known),
    };
    const { seconds } = known.context as { seconds?: number };
    if (seconds !== undefined && known.retryable) reply.header('retry-after', seconds);
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="flotilla"');
    return reply.code(status).type('application/problem+json').send(problem);
  });
  app.setNotFoundHandler((request) => {
    throw new FlotillaError('server.not-found', { what: 'page', id: request.url.slice(0, 200) });
  });
}

const placeOf = ({ context: { selector, at } }: FlotillaError<'selector.invalid'>) => ({
  selector,
  at,
});

function fieldOf(error: FlotillaError): Pick<Problem, 'field'> {
  const { field } = error.context as { field?: string };
  const told =
    isFlotillaError(error, 'rollout.invalid') || isFlotillaError(error, 'request.invalid');
  return told && field ? { field } : {};
}

function toFlotilla(error: FastifyError | FlotillaError, request: FastifyRequest): FlotillaError {
  if (error instanceof FlotillaError) {
    if (error.code !== 'internal.unexpected') return error;
  } else if (error.validation !== undefined) {
    return new FlotillaError('request.invalid', invalidity(error, request), { cause: error });
  } else if (error.statusCode !== undefined && error.statusCode < 500) {
    const where = 'request';
    return new FlotillaError('request.invalid', { where, reason: error.message }, { cause: error });
  }
  const reason = `request ${request.id} failed`;
  return new FlotillaError('internal.unexpected', { reason }, { cause: error });
}

/** The parts of a request, as a person calls them. */
const PARTS = {
  body: { where: 'body', read: ({ body }: FastifyRequest) => body },
  querystring: { where: 'query', read: ({ query }: FastifyRequest) => query },
  params: { where: 'path', read: ({ params }: FastifyRequest) => params },
  headers: { where: 'headers', read: ({ headers }: FastifyRequest) => headers },
} as const;

function invalidity(
  { validation, validationContext, message }: FastifyError,
  request: FastifyRequest,
) {
  const [first] = validation ?? [];
  const part = PARTS[(validationContext ?? 'body') as keyof typeof PARTS];
  if (first === undefined) return { where: part.where, reason: message };
  const schema = request.routeOptions.schema?.[validationContext as keyof typeof PARTS];
  const { field, reason } = explain(first, schema, part.read(request));
  const isField = field !== '' && (part === PARTS.body || part === PARTS.querystring);
  return isField ? { where: '', reason, field } : { where: part.where, reason };
}

/** Fastify knows finer statuses for what it refuses itself: 413, 415 … */
function statusOf(error: FastifyError | FlotillaError, known: FlotillaError): number {
  if (error instanceof FlotillaError || error.validation !== undefined) return known.status;
  const { statusCode } = error;
  return statusCode !== undefined && statusCode < 500 ? statusCode : known.status;
}
