import type { Draft, SelfTest } from '@flotilla/protocol';
import type { AgentStatus, DeviceHealth } from '../../core/index.ts';
import { describeFlows } from '../flows/describe.ts';
import type { FlowsStatus } from '../flows/flows.ts';
import { askAgent } from '../local-client.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const statusCommand: Command = {
  usage: 'status [--data DIR] [--json]',
  summary: 'Tell what this device runs, whether it is connected, and how deployments ended.',
  options: { data: configOption('data', 'DIR'), json: JSON_OPTION },
  examples: ['flotilla-agent status --data /var/lib/flotilla', 'flotilla-agent status --json'],
  async run(input) {
    const { data } = configOf(input);
    const { body } = await askAgent(data, { method: 'GET', path: '/flotilla/1/status' });
    const status = JSON.parse(body.toString()) as AgentStatus & FlowsStatus;
    input.io.print(input.values.json ? JSON.stringify(status) : describe(status));
  },
};

function describe(status: AgentStatus & FlowsStatus): string {
  const { device, fleet, online, halted, slots, attempts, outbox, health } = status;
  const release = status.release?.trial ?? status.release?.active;
  const connection = online ? 'connected' : 'not connected';
  const rows = slots.flatMap((status) => {
    const { slot, active, trial, ready, drifting, runtime, provider, fallbacks = [] } = status;
    const model = trial ?? active;
    const marks = [
      trial === undefined ? '' : 'on trial',
      ready ? `on ${runtime} (${provider})` : 'not ready',
      drifting.length > 0 ? `drift in ${drifting.join(', ')}` : '',
    ].filter((mark) => mark !== '');
    const what = `${model?.model}@${model?.version} ${model?.precision}`;
    const passedOver = fallbacks.map((fallback) => `    not on ${fallback}`);
    return [`  ${slot}: ${[what, ...marks].join(', ')}`, ...passedOver];
  });
  const last = attempts.at(-1);
  return [
    `device ${device} of fleet ${fleet}: ${connection}${halted ? ', fleet halted' : ''}`,
    `  agent ${status.version}${release ? `, release ${release.version}` : ''}${status.release?.trial ? ', on trial' : ''}`,
    ...(rows.length > 0 ? rows : ['  no model yet']),
    ...(last === undefined
      ? []
      : [
          `  last attempt: ${last.step} ${last.result} ${last.code ?? ''} ${last.detail ?? ''}`.trimEnd(),
          ...describeMeasured(last.selfTest),
        ]),
    ...describeFlows(status),
    `  outbox: ${outbox.pending} records waiting, ${outbox.dropped} dropped`,
    `  device: ${describeHealth(health)}`,
  ].join('\n');
}

/** What the device found before it activated the model. */
function describeMeasured(selfTest: Draft<SelfTest> | null | undefined): string[] {
  const { latencyMs = 0, latencyP95Ms = 0, rssBytes = 0 } = selfTest ?? {};
  if (latencyMs === 0) return [];
  const figures = [`${latencyMs.toPrecision(3)} ms`, `p95 ${latencyP95Ms.toPrecision(3)} ms`];
  return [`    measured: ${figures.join(', ')}, ${(rssBytes / 1e6).toFixed(1)} MB of memory`];
}

function describeHealth({ temperatureC, throttledBy, bytesWrittenLastHour }: DeviceHealth): string {
  const facts = [
    temperatureC > 0 ? `${temperatureC.toFixed(0)} °C` : '',
    throttledBy.length > 0 ? `throttled: ${throttledBy.join(', ')}` : '',
    `${(bytesWrittenLastHour / 1e6).toFixed(1)} MB written in the last hour`,
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}
