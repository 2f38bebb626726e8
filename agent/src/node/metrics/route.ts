import type { Agent } from '../../core/index.ts';
import type { PlainRoute } from '../http/route.ts';
import { deviceMetrics } from './device-metrics.ts';
import { EXPOSITION_TYPE, writeExposition } from './exposition.ts';
import { modelMetrics } from './model-metrics.ts';
import { createProcessMetrics } from './process-metrics.ts';

/** A page for Prometheus. */
export function metricsRoute(agent: Agent): PlainRoute {
  const processMetrics = createProcessMetrics();
  return {
    method: 'GET',
    path: '/metrics',
    handle: () => ({
      status: 200,
      headers: { 'content-type': EXPOSITION_TYPE },
      body: writeExposition([
        ...modelMetrics(agent),
        ...deviceMetrics(agent.status()),
        ...processMetrics(),
      ]),
    }),
  };
}
