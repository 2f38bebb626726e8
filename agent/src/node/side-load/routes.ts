import { FlotillaError } from '@flotilla/protocol';
import type { Agent } from '../../core/index.ts';
import { jsonAnswer, type Route } from '../http/route.ts';
import { isAllowed } from './local-token.ts';

/** Longest time that a model may be asked to be watched: a day. */
const MAX_WATCH_MS = 86_400_000;

/**
 * What changes the models of this device: for commands of the user whose agent it is, who can read
 * the token.
 */
export const sideLoadRoutes = (agent: Agent, token: string): readonly Route[] => {
  const allowed = ({ authorization }: { readonly authorization?: string | undefined }) => {
    if (!isAllowed(authorization, token)) throw new FlotillaError('local.token', {});
  };
  return [
    {
      method: 'GET',
      path: '/v1/local',
      handle({ headers }) {
        allowed(headers);
        return jsonAnswer({ pid: process.pid });
      },
    },
    {
      method: 'POST',
      path: '/v1/local/load',
      async handleStream({ headers, query, body }) {
        allowed(headers);
        const slot = query.get('slot');
        const loading = await agent.load({
          source: body,
          where: query.get('file')?.slice(0, 255) ?? 'the bundle',
          watchMs: readWatch(query.get('watch_ms')),
          ...(slot === null ? {} : { slot }),
        });
        return jsonAnswer(loading, 202);
      },
    },
    {
      method: 'POST',
      path: '/v1/local/unload/:slot',
      async handle({ headers, params: { slot = '' } }) {
        allowed(headers);
        await agent.unload(slot);
        return jsonAnswer({ slot }, 202);
      },
    },
  ];
};

function readWatch(text: string | null): number {
  const ms = Number(text ?? 0);
  if (Number.isSafeInteger(ms) && ms >= 0) return Math.min(ms, MAX_WATCH_MS);
  throw new FlotillaError('cli.usage', { reason: `watch_ms is not ${text?.slice(0, 20)}` });
}
