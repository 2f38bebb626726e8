import { isTargetId, TARGETS } from '@flotilla/targets';
import { usage } from '../config.ts';
import { enroll } from '../enroll.ts';
import { type Command, type CommandInput, type OptionValue, text } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const enrollCommand: Command = {
  usage: 'enroll --server URL --token TOKEN [--data DIR]',
  summary: 'Take this device into a fleet: makes its key pair here and pins the fleet root.',
  options: {
    server: { type: 'string', value: 'URL', doc: 'address of the fleet server' },
    token: { type: 'string', value: 'TOKEN', doc: 'claim token from the server' },
    data: configOption('data', 'DIR'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    target: {
      type: 'string',
      value: 'TARGET',
      doc: `hardware class, if detection is wrong: ${Object.keys(TARGETS).join(', ')}`,
    },
    name: { type: 'string', value: 'NAME', doc: 'label for people' },
    tag: { type: 'string', multiple: true, value: 'KEY=VALUE', doc: 'tag; may be repeated' },
    json: JSON_OPTION,
  },
  examples: [
    'flotilla-agent enroll --server http://fleet.local:8080 --token flc_… --data /var/lib/flotilla',
    'flotilla-agent enroll --server http://127.0.0.1:8080 --token flc_… --target raspberry-pi-5 --tag site=lyon',
  ],
  async run(input) {
    const { data, ortLibrary } = configOf(input);
    const target = text(input, 'target');
    if (target !== undefined && !isTargetId(target)) {
      throw usage(`--target ${target} is unknown; known are ${Object.keys(TARGETS).join(', ')}`);
    }
    const name = text(input, 'name');
    const { identity } = await enroll({
      server: readServer(input),
      token: required(input, 'token'),
      data,
      ortLibrary,
      tags: readTags(input.values.tag),
      ...(target === undefined ? {} : { target }),
      ...(name === undefined ? {} : { name }),
    });
    const { fleet, device } = identity;
    if (input.values.json) input.io.print(JSON.stringify({ fleet, device, data }));
    else
      input.io.print(
        `enrolled device ${device} in fleet ${fleet}; next: flotilla-agent run --data ${data}`,
      );
  },
};

function required(input: CommandInput, name: string): string {
  const value = text(input, name);
  if (value === undefined || value === '') throw usage(`--${name} is needed`);
  return value;
}

function readServer(input: CommandInput): string {
  const server = required(input, 'server');
  if (/^https?:\/\/[^\s/]+/.test(server) && URL.canParse(server)) return server;
  throw usage(
    `--server takes an address like https://fleet.example:8080, not ${server.slice(0, 120)}`,
  );
}

function readTags(given: OptionValue): Record<string, string> {
  const tags = Array.isArray(given) ? given.map(String) : [];
  return Object.fromEntries(
    tags.map((tag) => {
      const cut = tag.indexOf('=');
      if (cut < 1) throw usage(`--tag takes KEY=VALUE, not ${tag.slice(0, 80)}`);
      return [tag.slice(0, cut), tag.slice(cut + 1)];
    }),
  );
}
