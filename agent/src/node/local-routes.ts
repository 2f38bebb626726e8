import type { Agent } from '../core/index.ts';
import type { Flows } from './flows/flows.ts';
import { jsonAnswer, type Route } from './http/route.ts';
import { metricsRoute } from './metrics/route.ts';
import { healthRoutes } from './oip/health.ts';
import { labelRoute } from './oip/labels.ts';
import { modelRoutes } from './oip/models.ts';
import { repositoryRoutes } from './oip/repository.ts';
import { statisticsRoutes } from './oip/statistics.ts';
import { sideLoadRoutes } from './side-load/routes.ts';

/** All that a running agent answers to programs on its device. */
export const localRoutes = (agent: Agent, token: string, flows?: Flows): readonly Route[] => [
  ...healthRoutes(agent),
  ...statisticsRoutes(agent),
  ...modelRoutes(agent),
  labelRoute(agent),
  ...sideLoadRoutes(agent, token),
  ...repositoryRoutes(agent),
  metricsRoute(agent, flows),
  {
    method: 'GET',
    path: '/flotilla/1/status',
    handle: () => jsonAnswer({ ...agent.status(), ...flows?.status() }),
  },
];
