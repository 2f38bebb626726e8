import type { FlowStatus } from './flow-status.ts';
import type { FlowsStatus } from './flows.ts';

/** Lines of `status` on the flows of a device. */
export function describeFlows({ flows, flowsError }: FlowsStatus): string[] {
  const fault = flowsError === undefined ? [] : [`  flows: none runs: ${flowsError}`];
  return [...fault, ...flows.flatMap(describeFlow)];
}

function describeFlow(status: FlowStatus): string[] {
  const { flow, state, source, model, error, errorAt, sinks } = status;
  return [
    `  flow ${flow}: ${[state, ...describeCounts(status)].join(', ')}`,
    `    ${source} → ${model}`,
    ...(error === undefined ? [] : [`    last error, ${errorAt}: ${error}`]),
    ...sinks.map(({ sink, sent, dropped, waiting, error }) => {
      const counts = [`${sent} sent`, some(dropped, 'dropped'), some(waiting, 'waiting')];
      const fault = error === undefined ? '' : `; ${error}`;
      return `    → ${sink}: ${counts.filter((count) => count !== '').join(', ')}${fault}`;
    }),
  ];
}

function describeCounts(status: FlowStatus): string[] {
  const { items, inferred, dropped, failed, filtered, restarts, ageMs } = status;
  const counts = [
    `${items} items (${status.itemsPerSecond}/s)`,
    `${inferred} inferred (${status.inferredPerSecond}/s)`,
    some(dropped, 'dropped'),
    some(failed, 'failed'),
    some(filtered, 'filtered'),
    restarts === 0 ? '' : `source restarted ${restarts}×`,
    ageMs === undefined ? '' : `age ${ageMs} ms`,
  ];
  return counts.filter((count) => count !== '');
}

const some = (count: number, what: string): string => (count === 0 ? '' : `${count} ${what}`);
