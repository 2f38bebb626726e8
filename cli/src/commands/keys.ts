import { readFile } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';
import { createSigner, writeFileDurably } from '@flotilla/protocol/node';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { localKey } from '../local-key.ts';
import { addExamples } from '../ui/examples.ts';

const EXAMPLE = `
The key signs the bundles that flotilla optimize makes without a server. Only its public half is
given out: a device that trusts it takes these bundles (flotilla-agent trust add).

Example:
  flotilla keys export -o key.json`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  command
    .command('export')
    .description('print the public half of the local signing key as JSON')
    .option('-o, --out <file>', 'write it to this file instead')
    .option('--json', 'print JSON (without --out it always is)')
    .action((options: Options) => exportKey(options, context));
}

interface Options {
  readonly out?: string;
  readonly json?: boolean;
}

async function exportKey({ out, json }: Options, context: Context): Promise<void> {
  const { keyPair } = await localKey(context.settings.home);
  const { keyId, publicKey } = createSigner(keyPair);
  const key = { keyId, keytype: 'ed25519', publicKey };
  if (out === undefined) return context.json(key);
  await writeKey(out, `${JSON.stringify(key)}\n`);
  if (json) context.json({ ...key, file: out });
  context.say(
    `wrote key ${keyId.slice(0, 16)} to ${out}; next: flotilla-agent trust add ${out} --data DIR`,
  );
}

/** Another file in that place stays as it is. */
async function writeKey(out: string, text: string): Promise<void> {
  const fail = (why: string): never => {
    throw new FlotillaError('cli.usage', { reason: `--out ${out} ${why}: name another file` });
  };
  const there = await readFile(out, 'utf8').catch(() => undefined);
  if (there !== undefined && there !== text) fail('is there already');
  await writeFileDurably(out, text).catch((cause) => fail(`cannot be written (${cause.code})`));
}
