import type { Agent } from '../core/index.ts';
import type { Flows } from './flows/flows.ts';
import { jsonAnswer, type Route } from './http/route.ts';
import { healthRoutes } from './oip/health.ts';
import { modelRoutes } from './oip/models.ts';

/** All that a running agent answers to programs on its device. */
export const localRoutes = (agent: Agent, flows?: Flows): readonly Route[] => [
  ...healthRoutes(agent),
  ...modelRoutes(agent),
  {
    method: 'GET',
    path: '/flotilla/1/status',
    handle: () => jsonAnswer({ ...agent.status(), ...flows?.status() }),
  },
];
