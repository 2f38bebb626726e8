import { readFile } from 'node:fs/promises';
import { usage } from '../config.ts';
import { type InferClient, openInferClient } from '../infer-client.ts';
import { createLogger } from '../logger.ts';
import { agentOptionsOf } from './agent-options.ts';
import { type Answer, answerText } from './answer-text.ts';
import type { Command, CommandInput } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

interface Metadata {
  readonly inputs: readonly { readonly name: string }[];
}

export const inferCommand: Command = {
  usage: 'infer SLOT FILE… [--data DIR] [--json]',
  summary:
    'Run images, WAV files or rows of JSON through a model of this device; no agent need run.',
  options: {
    data: configOption('data', 'DIR'),
    input: { type: 'string', value: 'NAME', doc: 'input tensor, where the model has several' },
    threads: configOption('threads', 'N'),
    providers: configOption('providers', 'LIST'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent infer parts image.jpg --data /var/lib/flotilla',
    'flotilla-agent infer parts *.png --json',
  ],
  async run(input) {
    const [slot, ...files] = input.positionals;
    if (slot === undefined || files.length === 0) throw usage('infer takes a slot and files');
    const options = agentOptionsOf(configOf(input), input.io, createLogger('silent'));
    const client = await openInferClient(slot, options);
    try {
      for (const file of files) await inferFile(client, slot, file, input);
    } finally {
      await client.close();
    }
  },
};

async function inferFile(client: InferClient, slot: string, file: string, input: CommandInput) {
  const path = `/v2/models/${encodeURIComponent(slot)}`;
  const metadata = (await client.ask(path)) as Metadata;
  const bytes = await readFile(file).catch((cause) => {
    throw usage(`${file} cannot be read (${cause.code ?? cause.message})`);
  });
  const tensor = {
    name: input.values.input ?? metadata.inputs[0]?.name,
    shape: [1],
    datatype: 'BYTES',
    parameters: { content_type: 'base64' },
    data: [bytes.toString('base64')],
  };
  const answer = (await client.ask(`${path}/infer`, { inputs: [tensor] })) as Answer;
  input.io.print(
    input.values.json ? JSON.stringify({ file, ...answer }) : answerText(file, answer),
  );
}
