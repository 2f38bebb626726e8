import type { Labeled } from '../../core/index.ts';
import { usage } from '../config.ts';
import { findAgent, jsonOf } from '../local-client.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const labelCommand: Command = {
  usage: 'label SLOT ID LABEL… [--data DIR]',
  summary: 'Tell what a sample truly was, so that the share of right answers is known.',
  options: {
    data: configOption('data', 'DIR'),
    index: { type: 'boolean', doc: 'the labels are indices of classes' },
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent label parts belt-5f0c2a9e1b44-1207 scratch --data /var/lib/flotilla',
    'flotilla-agent label parts belt-5f0c2a9e1b44-1207 3 --index',
  ],
  async run({ positionals, values, io, ...input }) {
    const [slot, id, ...labels] = positionals;
    if (slot === undefined || id === undefined || labels.length === 0) {
      throw usage('label takes a slot, the id of an answer, and a label for each of its samples');
    }
    const { data } = configOf({ positionals, values, io, ...input });
    const agent = await findAgent(data);
    if (agent === undefined) {
      throw usage(`no agent runs on ${data}, and only the one that answered knows what it said`);
    }
    const body = values.index ? { id, index: labels.map(toIndex) } : { id, label: labels };
    const answer = await agent.ask({
      method: 'POST',
      path: `/v2/models/${encodeURIComponent(slot)}/labels`,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    });
    const told = jsonOf<Labeled & { readonly id: string }>(answer);
    io.print(values.json ? JSON.stringify(told) : describe(slot, told));
  },
};

function toIndex(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`--index takes whole numbers from 0, not ${JSON.stringify(text)}`);
}

function describe(slot: string, { labeled, correct, counted }: Labeled): string {
  const right =
    labeled === 1 ? (correct === 1 ? 'right' : 'wrong') : `right in ${correct} of ${labeled}`;
  return `${slot} was ${right}${counted ? '' : '; this was told before'}`;
}
