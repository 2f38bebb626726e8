import { readFile } from 'node:fs/promises';
import { FlotillaError, readTrustKey } from '@flotilla/protocol';
import {
  type Anchor,
  addAnchor,
  readAnchors,
  removeAnchor,
  type Storage,
} from '../../core/index.ts';
import { usage } from '../config.ts';
import { makeDataFolder } from '../data-folder.ts';
import { createFileStorage } from '../file-storage.ts';
import { type Command, type CommandInput, text } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

const MAX_KEY_FILE = 4096;
/** A label for people: any text of one line. */
const NAME = /^[^\p{Cc}]{1,63}$/u;

type Action = (storage: Storage, input: CommandInput, key: string) => Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = { add, list, remove };

export const trustCommand: Command = {
  usage: 'trust add KEY [--name NAME] | trust list | trust remove KEY-ID',
  summary:
    'Choose the keys whose bundles may be loaded by hand; those of its fleet are taken anyway.',
  options: {
    data: configOption('data', 'DIR'),
    name: { type: 'string', value: 'NAME', doc: 'label for people, with add' },
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent trust add key.json --name lab --data /var/lib/flotilla',
    'flotilla-agent trust list',
    'flotilla-agent trust remove 0f4c2a91',
  ],
  async run(input) {
    const [name = '', key = '', ...more] = input.positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined || more.length > 0 || (key === '') !== (name === 'list')) {
      throw usage('trust takes add KEY, list, or remove KEY-ID');
    }
    await action(createFileStorage(configOf(input).data), input, key);
  },
};

async function add(storage: Storage, input: CommandInput, given: string): Promise<void> {
  const name = text(input, 'name') ?? '';
  if (name !== '' && !NAME.test(name))
    throw usage('--name takes one line of at most 63 characters');
  const key = await readTrustKey(await keyText(given));
  if (key === undefined) throw new FlotillaError('trust.no-key', { where: given.slice(0, 120) });
  await makeDataFolder(configOf(input).data);
  const anchor = await addAnchor(storage, key, name, Date.now());
  if (input.values.json) return input.io.print(JSON.stringify(anchor));
  input.io.print(`bundles signed with key ${shown(anchor)} may be loaded on this device`);
}

/** A key may be given as it is, in hex. */
async function keyText(given: string): Promise<string> {
  if (/^[0-9a-fA-F]{64}$/.test(given)) return given;
  const bytes = await readFile(given).catch((cause) => {
    throw usage(`${given} is neither a key in hex nor a file (${cause.code ?? cause.message})`);
  });
  return bytes.subarray(0, MAX_KEY_FILE + 1).toString();
}

async function list(storage: Storage, { values, io }: CommandInput): Promise<void> {
  const anchors = await readAnchors(storage);
  if (values.json) return io.print(JSON.stringify({ keys: anchors }));
  if (anchors.length === 0) io.print('no key is trusted: flotilla-agent trust add KEY');
  for (const anchor of anchors) {
    io.print(`${shown(anchor)}, added ${new Date(anchor.addedMs).toISOString().slice(0, 10)}`);
  }
}

async function remove(storage: Storage, { values, io }: CommandInput, key: string): Promise<void> {
  const anchor = await removeAnchor(storage, key.toLowerCase());
  if (values.json) return io.print(JSON.stringify(anchor));
  io.print(`key ${shown(anchor)} is not trusted any more; what it was used for stays`);
}

const shown = ({ keyId, name }: Anchor): string =>
  `${keyId.slice(0, 16)}${name === '' ? '' : ` (${name})`}`;
