import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { AgentStatus } from '../../core/index.ts';
import { usage } from '../config.ts';
import { createAgent } from '../create-agent.ts';
import { hasDataFolder } from '../data-folder.ts';
import { findAgent, jsonOf } from '../local-client.ts';
import { createLogger } from '../logger.ts';
import { agentOptionsOf } from './agent-options.ts';
import type { Command, CommandInput } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

const POLL_MS = 50;

export const unloadCommand: Command = {
  usage: 'unload SLOT [--data DIR]',
  summary: 'Take out what was loaded by hand; what the fleet wants in the slot comes back.',
  options: {
    data: configOption('data', 'DIR'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    json: JSON_OPTION,
  },
  examples: ['flotilla-agent unload parts --data /var/lib/flotilla'],
  async run(input) {
    const [slot, ...more] = input.positionals;
    if (slot === undefined || more.length > 0) throw usage('unload takes one slot');
    const { slots } = await unload(input, slot);
    const left = slots.find((status) => status.slot === slot)?.active;
    if (input.values.json) return input.io.print(JSON.stringify({ slot, active: left ?? null }));
    const runs = left === undefined ? 'is empty' : `runs ${left.model}@${left.version} again`;
    input.io.print(`slot ${slot} ${runs}`);
  },
};

type Slots = Pick<AgentStatus, 'slots'>;

/** Waits until what was loaded is out, by the agent that runs or by one that this process is. */
async function unload(input: CommandInput, slot: string): Promise<Slots> {
  const config = configOf(input);
  const running = await findAgent(config.data);
  if (running !== undefined) {
    const path = `/v1/local/unload/${encodeURIComponent(slot)}`;
    jsonOf(await running.ask({ method: 'POST', path }));
    const ask = { method: 'GET', path: '/flotilla/1/status' } as const;
    return untilOut(slot, async () => jsonOf<AgentStatus>(await running.ask(ask)));
  }
  if (!(await hasDataFolder(config.data))) throw new FlotillaError('load.none', { slot });
  const options = agentOptionsOf(config, input.io, createLogger('silent'));
  const agent = await createAgent({ ...options, connect: false });
  try {
    await agent.unload(slot);
    return await untilOut(slot, async () => agent.status());
  } finally {
    await agent.stop();
  }
}

async function untilOut(slot: string, ask: () => Promise<Slots>): Promise<Slots> {
  for (;;) {
    const status = await ask();
    if (!status.slots.some((it) => it.slot === slot && it.local)) return status;
    await sleep(POLL_MS);
  }
}
