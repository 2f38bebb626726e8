import { FlotillaError } from '@flotilla/protocol';
import type { Agent, SlotStatus } from '../../core/index.ts';
import { jsonAnswer, type Route } from '../http/route.ts';
import { bad } from './bad-request.ts';

/** What models there are (Triton's model repository extension); they come and go by deployments. */
export const repositoryRoutes = (agent: Agent): readonly Route[] => [
  {
    method: 'POST',
    path: '/v2/repository/index',
    handle: ({ body }) => {
      const only = onlyReady(body);
      const { slots } = agent.status();
      return jsonAnswer(slots.filter(({ ready }) => ready || !only).map(rowOf));
    },
  },
  ...(['load', 'unload'] as const).map(
    (what): Route => ({
      method: 'POST',
      path: `/v2/repository/models/:slot/${what}`,
      handle: ({ params }) => {
        throw new FlotillaError('infer.not-served', {
          what: `${what} of ${params.slot?.slice(0, 80)}`,
          instead: 'models come from the fleet, or with flotilla-agent load',
        });
      },
    }),
  ),
];

function rowOf({ slot, ready, active, trial }: SlotStatus) {
  const version = (trial ?? active)?.version;
  return {
    name: slot,
    version: version === undefined ? '' : String(version),
    state: ready ? 'READY' : 'UNAVAILABLE',
    reason: ready ? '' : 'its model is not loaded',
  };
}

function onlyReady(body: Uint8Array): boolean {
  if (body.length === 0) return false;
  try {
    const asked: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof asked === 'object' && asked !== null && 'ready' in asked && asked.ready === true;
  } catch {
    throw bad('JSON', 'the request is not JSON');
  }
}
