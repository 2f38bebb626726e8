import { readFile } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';
import { usage } from '../config.ts';
import { askAgent } from '../local-client.ts';
import { type Answer, answerText } from './answer-text.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

interface Metadata {
  readonly inputs: readonly { readonly name: string }[];
}

export const inferCommand: Command = {
  usage: 'infer SLOT FILE… [--data DIR] [--json]',
  summary: 'Run images, WAV files or rows of JSON through a model of the agent on this device.',
  options: {
    data: configOption('data', 'DIR'),
    input: { type: 'string', value: 'NAME', doc: 'input tensor, where the model has several' },
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent infer parts image.jpg --data /var/lib/flotilla',
    'flotilla-agent infer parts *.png --json',
  ],
  async run(input) {
    const [slot, ...files] = input.positionals;
    if (slot === undefined || files.length === 0) throw usage('infer takes a slot and files');
    const { data } = configOf(input);
    const path = `/v2/models/${encodeURIComponent(slot)}`;
    const metadata = (await ask(data, slot, path)) as Metadata;
    const name = input.values.input ?? metadata.inputs[0]?.name;
    for (const file of files) {
      const bytes = await readFile(file).catch((cause) => {
        throw usage(`${file} cannot be read (${cause.code ?? cause.message})`);
      });
      const parameters = { content_type: 'base64' };
      const tensor = {
        name,
        shape: [1],
        datatype: 'BYTES',
        parameters,
        data: [bytes.toString('base64')],
      };
      const answer = (await ask(data, file, `${path}/infer`, { inputs: [tensor] })) as Answer;
      input.io.print(
        input.values.json ? JSON.stringify({ file, ...answer }) : answerText(file, answer),
      );
    }
  },
};

async function ask(data: string, slot: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await askAgent(data, {
    method: body === undefined ? 'GET' : 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
  });
  const value: unknown = JSON.parse(answer.body.toString());
  if (answer.status === 200) return value;
  const { error } = value as { error?: unknown };
  throw new FlotillaError('infer.bad-request', { where: slot, reason: String(error) });
}
