import type { Agent, LoadedModel } from '../../core/index.ts';
import { jsonAnswer, type Route } from '../http/route.ts';
import { findModel, MODEL_PATHS } from './find-model.ts';

/** What models did since they were loaded (Triton's statistics extension). */
export const statisticsRoutes = (agent: Agent): readonly Route[] => [
  {
    method: 'GET',
    path: '/v2/models/stats',
    handle: () =>
      statistics(
        agent.slots.flatMap((slot) => {
          const model = agent.model(slot);
          return model === undefined ? [] : [statisticsOf(slot, model)];
        }),
      ),
  },
  ...MODEL_PATHS.map(
    (path): Route => ({
      method: 'GET',
      path: `${path}/stats`,
      handle: ({ params }) =>
        statistics([statisticsOf(params.slot ?? '', findModel(agent, params))]),
    }),
  ),
];

const statistics = (models: readonly unknown[]) => jsonAnswer({ model_stats: models });

const duration = (count: number, ms: number) => ({ count, ns: Math.round(ms * 1e6) });

function statisticsOf(slot: string, { installed, load }: LoadedModel) {
  const { succeeded, failed, samples, lastMs, sumMs, runs } = load;
  const each = (ms: number) => duration(succeeded, ms);
  const executions = [...runs.values()].reduce((sum, { count }) => sum + count, 0);
  return {
    name: slot,
    version: String(installed.version),
    last_inference: lastMs,
    inference_count: samples,
    execution_count: executions,
    inference_stats: {
      success: each(sumMs.total),
      fail: duration(failed, sumMs.failed),
      queue: each(sumMs.queue),
      compute_input: each(sumMs.input),
      compute_infer: each(sumMs.run),
      compute_output: each(sumMs.output),
      cache_hit: duration(0, 0),
      cache_miss: duration(0, 0),
    },
    batch_stats: [...runs]
      .toSorted(([a], [b]) => a - b)
      .map(([size, { count, sumMs: ms }]) => ({
        batch_size: size,
        compute_input: duration(count, 0),
        compute_infer: duration(count, ms),
        compute_output: duration(count, 0),
      })),
  };
}
