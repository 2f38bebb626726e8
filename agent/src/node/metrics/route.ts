import type { Agent } from '../../core/index.ts';
import type { Flows } from '../flows/flows.ts';
import type { PlainRoute } from '../http/route.ts';
import { deviceMetrics } from './device-metrics.ts';
import { EXPOSITION_TYPE, writeExposition } from './exposition.ts';
import { flowMetrics } from './flow-metrics.ts';
import { modelMetrics } from './model-metrics.ts';
import { createProcessMetrics } from './process-metrics.ts';

/** A page for Prometheus. */
export function metricsRoute(agent: Agent, flows?: Flows): PlainRoute {
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
        ...flowMetrics(flows?.status().flows ?? []),
        ...processMetrics(),
      ]),
    }),
  };
}
