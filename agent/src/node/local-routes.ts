import type { Agent } from '../core/index.ts';
import type { Flows } from './flows/flows.ts';
import { jsonAnswer, type Route } from './http/route.ts';
import { healthRoutes } from './oip/health.ts';
import { modelRoutes } from './oip/models.ts';
import { sideLoadRoutes } from './side-load/routes.ts';

/** All that a running agent answers to programs on its device. */
export const localRoutes = (agent: Agent, token: string, flows?: Flows): readonly Route[] => [
  ...healthRoutes(agent),
  ...modelRoutes(agent),
  ...sideLoadRoutes(agent, token),
  {
    method: 'GET',
    path: '/flotilla/1/status',
    handle: () => jsonAnswer({ ...agent.status(), ...flows?.status() }),
  },
];
