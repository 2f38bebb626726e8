import { createHmac } from 'node:crypto';
import { FlotillaError } from '@flotilla/protocol';
import { shownUrl } from './address.ts';
import type { WebhookConfig } from './schema.ts';
import { readSecret } from './secret.ts';
import { DEFAULT_ROOM, DEFAULT_TRIES, type Sink, type SinkPorts } from './sink.ts';
import { milliseconds } from './units.ts';

const TIMEOUT = '10s';
const MOST_ANSWER_BYTES = 64 << 10;
/** Statuses after which the same request may succeed later (RFC 9110; 425: RFC 8470). */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Posts each result as JSON. With a secret, `Flotilla-Signature` is `t=SECONDS,v1=HEX`, the HMAC-SHA256
 * of `SECONDS.BODY`, so that a receiver knows who sent it and when.
 */
export function webhookSink(config: WebhookConfig, { folder, clock }: SinkPorts): Sink {
  const { webhook, secretFile, headers = {}, timeout = TIMEOUT } = config;
  const { tries = DEFAULT_TRIES, queue = DEFAULT_ROOM } = config;
  const label = `webhook ${shownUrl(webhook)}`;
  const { address, login } = withoutLogin(webhook);
  const timeoutMs = milliseconds(timeout);

  async function sign(body: string): Promise<Record<string, string>> {
    const secret = secretFile === undefined ? config.secret : await readSecret(folder, secretFile);
    if (secret === undefined) return {};
    const seconds = Math.floor(clock.now() / 1000);
    const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    return { 'flotilla-signature': `t=${seconds},v1=${mac}` };
  }

  async function post(body: string, id: string, signal: AbortSignal): Promise<number> {
    const response = await fetch(address, {
      method: 'POST',
      // the address is the owner's choice, not the receiver's
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'flotilla-agent',
        ...login,
        ...headers,
        'flotilla-delivery': id,
        ...(await sign(body)),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await drain(response);
    return response.status;
  }

  return {
    label,
    batch: 1,
    gatherMs: 0,
    room: queue,
    tries,
    async deliver([parcel], signal) {
      if (parcel === undefined) return;
      const status = await post(parcel.json, parcel.id, signal).catch((cause: unknown) => {
        throw new FlotillaError(
          'flow.sink-failed',
          { sink: label, reason: wordsOf(cause) },
          { cause },
        );
      });
      if (status >= 200 && status < 300) return;
      const passing = PASSING.has(status) || status >= 500;
      const reason =
        status >= 300 && status < 400
          ? `it answers ${status}, a redirection, which is not followed`
          : `it answers ${status}`;
      throw new FlotillaError(passing ? 'flow.sink-failed' : 'flow.sink-refused', {
        sink: label,
        reason,
      });
    },
    close: async () => undefined,
  };
}

/** Reads a short answer to its end, so that the connection serves again, and breaks off a long one. */
async function drain({ body }: Response): Promise<void> {
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER_BYTES) return;
  }
}

/** fetch refuses addresses with a log-in in them. */
function withoutLogin(webhook: string): { address: string; login: Record<string, string> } {
  const url = new URL(webhook);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '') return { address: url.href, login: {} };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  return { address: url.href, login: { authorization } };
}

/** fetch hides what went wrong in the cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
