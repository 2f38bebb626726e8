import { type Draft, FlotillaError, type SelfTest } from '@flotilla/protocol';
import {
  type AgentStatus,
  type DeviceHealth,
  readStored,
  type SlotStatus,
} from '../../core/index.ts';
import { findEnrolment, hasDataFolder } from '../data-folder.ts';
import { createFileStorage } from '../file-storage.ts';
import { describeFlows } from '../flows/describe.ts';
import type { FlowsStatus } from '../flows/flows.ts';
import { findAgent, jsonOf } from '../local-client.ts';
import { AGENT_VERSION } from '../version.ts';
import { attemptText } from './attempt-text.ts';
import type { Command, CommandInput } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const statusCommand: Command = {
  usage: 'status [--data DIR] [--json]',
  summary: 'Tell what this device runs, whether it is connected, and how deployments ended.',
  options: { data: configOption('data', 'DIR'), json: JSON_OPTION },
  examples: ['flotilla-agent status --data /var/lib/flotilla', 'flotilla-agent status --json'],
  async run(input) {
    const { data } = configOf(input);
    const agent = await findAgent(data);
    if (agent === undefined) return tellStored(input, data);
    const ask = { method: 'GET', path: '/flotilla/1/status' } as const;
    const status = jsonOf<AgentStatus & FlowsStatus>(await agent.ask(ask));
    const running = { running: true, ...status };
    input.io.print(input.values.json ? JSON.stringify(running) : describe(status));
  },
};

/** What the disk tells while no agent runs. */
async function tellStored(input: CommandInput, data: string): Promise<void> {
  const enrolment = await findEnrolment(data);
  if (enrolment === undefined && !(await hasDataFolder(data))) {
    throw new FlotillaError('agent.not-enrolled', { data });
  }
  const { fleet = '', device = '' } = enrolment?.identity ?? {};
  const stored = await readStored(createFileStorage(data));
  const status = {
    running: false,
    fleet,
    device,
    version: AGENT_VERSION,
    online: false,
    ...stored,
  };
  if (input.values.json) return input.io.print(JSON.stringify(status));
  const lines = [
    `${nameOf(status)}: no agent runs here${stored.halted ? ', fleet halted' : ''}`,
    ...slotLines(status.slots, (slot) => (slot.trial ? [] : ['at the next run'])),
    ...lastLine(status.attempts),
    `  start it: flotilla-agent run --data ${data}`,
  ];
  input.io.print(lines.join('\n'));
}

const nameOf = ({ fleet, device }: Pick<AgentStatus, 'fleet' | 'device'>): string =>
  fleet === '' ? 'a device in no fleet' : `device ${device} of fleet ${fleet}`;

function describe(status: AgentStatus & FlowsStatus): string {
  const { fleet, online, halted, slots, attempts, outbox, health } = status;
  const connection = fleet === '' ? '' : online ? ': connected' : ': not connected';
  return [
    `${nameOf(status)}${connection}${halted ? ', fleet halted' : ''}`,
    releaseLine(status),
    ...slotLines(slots, ({ ready, runtime, provider }) => [
      ready ? `on ${runtime} (${provider})` : 'not ready',
    ]),
    ...lastLine(attempts),
    ...describeFlows(status),
    ...(fleet === ''
      ? []
      : [`  outbox: ${outbox.pending} records waiting, ${outbox.dropped} dropped`]),
    `  device: ${describeHealth(health)}`,
  ].join('\n');
}

function releaseLine({ version, release }: AgentStatus): string {
  const runs = release?.trial ?? release?.active;
  return `  agent ${version}${runs ? `, release ${runs.version}` : ''}${release?.trial ? ', on trial' : ''}`;
}

/** @param state how the slot fares */
function slotLines(
  slots: readonly SlotStatus[],
  state: (slot: SlotStatus) => readonly string[],
): string[] {
  if (slots.length === 0) return ['  no model yet'];
  return slots.flatMap((status) => {
    const { slot, active, trial, shadow, local, drifting, fallbacks = [] } = status;
    const model = trial ?? active;
    const marks = [
      local ? 'loaded by hand' : '',
      trial === undefined ? '' : 'on trial',
      ...state(status),
      drifting.length > 0 ? `drift in ${drifting.join(', ')}` : '',
    ].filter((mark) => mark !== '');
    const what = `${model?.model}@${model?.version} ${model?.precision}`;
    const passedOver = fallbacks.map((fallback) => `    not on ${fallback}`);
    const beside =
      shadow === undefined
        ? []
        : [`    beside it the shadow ${shadow.model}@${shadow.version} ${shadow.precision}`];
    return [`  ${slot}: ${[what, ...marks].join(', ')}`, ...passedOver, ...beside];
  });
}

function lastLine(attempts: AgentStatus['attempts']): string[] {
  const last = attempts.at(-1);
  if (last === undefined) return [];
  return [`  ${attemptText(last)}`, ...describeMeasured(last.selfTest)];
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
