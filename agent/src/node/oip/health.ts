import type { Agent } from '../../core/index.ts';
import { jsonAnswer, type Route } from '../http/route.ts';
import { AGENT_VERSION } from '../version.ts';

/** Extensions of the Open Inference Protocol v2 that are spoken here, as Triton names them. */
const EXTENSIONS = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'statistics',
];

/** What the server is, and whether it serves. */
export const healthRoutes = (agent: Agent): readonly Route[] => [
  {
    method: 'GET',
    path: '/v2',
    handle: () =>
      jsonAnswer({ name: 'flotilla-agent', version: AGENT_VERSION, extensions: EXTENSIONS }),
  },
  { method: 'GET', path: '/v2/health/live', handle: () => jsonAnswer({ live: true }) },
  {
    method: 'GET',
    path: '/v2/health/ready',
    handle: () => {
      const ready = agent.slots.length > 0;
      return jsonAnswer({ ready }, ready ? 200 : 503);
    },
  },
];
