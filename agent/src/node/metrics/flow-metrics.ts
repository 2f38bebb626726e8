import type { FlowFigures, FlowState, FlowStatus } from '../flows/flow-status.ts';
import type { SinkStatus } from '../flows/outlet.ts';
import type { Metric } from './exposition.ts';

type Count = Exclude<keyof FlowFigures, 'ageMs' | 'error' | 'errorAt' | `${string}PerSecond`>;

/** Counters of a flow, and what each counts. */
const COUNTS = {
  items: 'Items that came from the source of a flow.',
  dropped: 'Items that no model looked at: a later one took their place.',
  inferred: 'Items that the model answered for.',
  failed: 'Items that could not be read, or that the model refused.',
  filtered: 'Results that the filter of a flow held back.',
  restarts: 'Starts of a source after it failed.',
} as const satisfies Record<Count, string>;

const SINK_COUNTS = {
  sent: 'Results that a sink took.',
  dropped: 'Results that a sink did not take in time.',
} as const satisfies Partial<Record<keyof SinkStatus, string>>;

const STATES: readonly FlowState[] = ['waiting', 'running', 'restarting', 'ended', 'stopped'];

/** How the flows of a device fare. */
export function flowMetrics(flows: readonly FlowStatus[]): readonly Metric[] {
  const sinks = flows.flatMap(({ flow, sinks }) =>
    sinks.map((status) => ({ labels: { flow, sink: status.sink }, status })),
  );
  return [
    ...(Object.keys(COUNTS) as Count[]).map(
      (count): Metric => ({
        name: `flotilla_flow_${count}_total`,
        help: COUNTS[count],
        type: 'counter',
        samples: flows.map((status) => ({ labels: { flow: status.flow }, value: status[count] })),
      }),
    ),
    {
      name: 'flotilla_flow_state',
      help: '1 for the state that a flow is in.',
      type: 'gauge',
      samples: flows.flatMap((status) =>
        STATES.map((state) => ({
          labels: { flow: status.flow, state },
          value: status.state === state ? 1 : 0,
        })),
      ),
    },
    {
      name: 'flotilla_flow_age_seconds',
      help: 'Median age of items when they were taken, of the last ten seconds.',
      type: 'gauge',
      samples: flows.flatMap(({ flow, ageMs }) =>
        ageMs === undefined ? [] : [{ labels: { flow }, value: ageMs / 1000 }],
      ),
    },
    ...(Object.keys(SINK_COUNTS) as (keyof typeof SINK_COUNTS)[]).map(
      (count): Metric => ({
        name: `flotilla_flow_sink_${count}_total`,
        help: SINK_COUNTS[count],
        type: 'counter',
        samples: sinks.map(({ labels, status }) => ({ labels, value: status[count] })),
      }),
    ),
    {
      name: 'flotilla_flow_sink_waiting',
      help: 'Results that wait for a sink.',
      type: 'gauge',
      samples: sinks.map(({ labels, status }) => ({ labels, value: status.waiting })),
    },
  ];
}
