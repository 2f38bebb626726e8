import {
  type Agent,
  LATENCY_BOUNDS_MS,
  type LoadedModel,
  type ModelLoad,
} from '../../core/index.ts';
import type { Labels, Metric } from './exposition.ts';

/** What each model did since it was loaded. */
export function modelMetrics(agent: Pick<Agent, 'slots' | 'model'>): readonly Metric[] {
  const models = agent.slots.flatMap((slot) => {
    const model = agent.model(slot);
    return model === undefined ? [] : [{ labels: labelsOf(slot, model), load: model.load }];
  });
  const each = (numberOf: (load: ModelLoad) => number) =>
    models.map(({ labels, load }) => ({ labels, value: numberOf(load) }));
  const runs = (load: ModelLoad) => [...load.runs.values()];
  return [
    {
      name: 'flotilla_inferences_total',
      help: 'Requests that were answered.',
      type: 'counter',
      samples: each(({ succeeded }) => succeeded),
    },
    {
      name: 'flotilla_inference_errors_total',
      help: 'Requests that the model failed on.',
      type: 'counter',
      samples: each(({ failed }) => failed),
    },
    {
      name: 'flotilla_requests_dropped_total',
      help: 'Requests that were refused because too many waited.',
      type: 'counter',
      samples: each(({ dropped }) => dropped),
    },
    {
      name: 'flotilla_requests_pending',
      help: 'Requests that wait or run.',
      type: 'gauge',
      samples: each(({ pending }) => pending),
    },
    {
      name: 'flotilla_model_runs_total',
      help: 'Runs of the model; one may serve several requests.',
      type: 'counter',
      samples: each((load) => runs(load).reduce((sum, { count }) => sum + count, 0)),
    },
    {
      name: 'flotilla_model_run_seconds_total',
      help: 'Time in runs of the model.',
      type: 'counter',
      samples: each((load) => runs(load).reduce((sum, { sumMs }) => sum + sumMs / 1000, 0)),
    },
    {
      name: 'flotilla_inference_latency_seconds',
      help: 'From the request to the answer: decoding, waiting, running, postprocessing.',
      type: 'histogram',
      bounds: LATENCY_BOUNDS_MS.map((ms) => ms / 1000),
      distributions: models.map(({ labels, load }) => ({
        labels,
        counts: load.latency,
        sum: load.sumMs.total / 1000,
      })),
    },
  ];
}

function labelsOf(slot: string, { installed, session }: LoadedModel): Labels {
  const { version, precision } = installed;
  return { slot, version: String(version), precision, provider: session.provider };
}
