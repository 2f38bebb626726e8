import { execFileSync } from 'node:child_process';
import { Command } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type RequestOptions,
  readRequest,
  withRequestOptions,
} from '../../cli/src/rollout/request.ts';
import { commandOf } from '../../fleet-server/src/dashboard/new-rollout/command.ts';
import { EMPTY_FORM, type Form } from '../../fleet-server/src/dashboard/new-rollout/form.ts';
import { requestOf } from '../../fleet-server/src/dashboard/new-rollout/request.ts';
import { GATE_NAMES } from '../../fleet-server/src/rollouts/gates/types.ts';
import { DAYS } from '../../fleet-server/src/rollouts/pace/windows.ts';

/** Prints its arguments, each ended by a NUL, and all of them by an SOH. */
const FLOTILLA = String.raw`flotilla() { for word; do printf '%s\0' "$word"; done; printf '\001'; }`;

/** The words that a POSIX shell makes of each command. */
function shellWords(commands: readonly string[]): string[][] {
  const script = [FLOTILLA, ...commands].join('\n');
  const printed = execFileSync('sh', { input: script }).toString();
  return printed
    .split('\u0001')
    .slice(0, -1)
    .map((line) => line.split('\0').slice(0, -1));
}

async function requestFrom([rollout, create, ...words]: readonly string[]): Promise<unknown> {
  expect([rollout, create]).toEqual(['rollout', 'create']);
  let asked: Promise<unknown> | undefined;
  const command = withRequestOptions(new Command('create').argument('[version]').exitOverride());
  command.action((version: string | undefined, options: RequestOptions) => {
    asked = readRequest(version, options, 0);
  });
  command.parse(words, { from: 'user' });
  return asked;
}

const optional = (text: fc.Arbitrary<string>) => fc.oneof(fc.constant(''), text);
const number = (max: number) => optional(fc.integer({ min: 0, max }).map(String));
const limit = fc.integer({ min: 0, max: 99_999 }).map((hundredths) => `${hundredths / 100}`);
const selector = fc.string({ unit: fc.constantFrom(...`a=1 '"$\`\\!*(){}~;&|<>#é漢`) });
const time = fc.constantFrom('00:00', '02:30', '23:59');

const forms: fc.Arbitrary<Form> = fc.record({
  ...{ model: fc.constant('parts'), version: fc.integer({ min: 1, max: 999 }).map(String) },
  devices: selector,
  shape: fc.constantFrom('usual', 'canary', 'custom'),
  canary: fc.constantFrom('1', '20'),
  waves: fc.constantFrom('5, 10%,100%', '100%', `5'`),
  kind: fc.constantFrom('update', 'shadow', 'ab'),
  promote: fc.constantFrom('command', 'gate'),
  sample: optional(fc.integer({ min: 1, max: 1000 }).map((permille) => `${permille / 10}`)),
  ...{ busy: number(100), maxTemperature: number(150), compared: number(1e9) },
  ...{ share: number(99), maxHours: number(2160) },
  limits: fc.dictionary(fc.constantFrom(...GATE_NAMES), optional(limit)),
  off: fc.subarray([...GATE_NAMES]),
  minInferences: number(1e6),
  soak: optional(fc.constantFrom('30s', '10m', '90s', '1d', '250ms')),
  approval: fc.constantFrom('none', 'start', 'each'),
  start: optional(fc.constantFrom('2027-01-31T22:00', '2026-03-29T02:30')),
  maintenance: fc.array(
    fc.record({
      days: fc.subarray([...DAYS]),
      ...{ from: time, to: time, timeZone: fc.constantFrom('', 'Europe/Paris', `x'y`) },
    }),
    { maxLength: 3 },
  ),
  ...{ maxInFlight: number(1000), priority: number(9) },
});

test('the command that the form shows asks for what the form asks for', async () => {
  const sample = fc.sample(forms, { numRuns: 200, seed: 7 });
  const requests = [EMPTY_FORM, ...sample].flatMap((form) => {
    const { request, faults } = requestOf(form, 0);
    expect(faults).toEqual({});
    return request === undefined ? [] : [request];
  });
  expect(requests).toHaveLength(200);
  const commands = requests.map((request) => commandOf(request, 'default').join(' '));
  for (const [i, words] of shellWords(commands).entries()) {
    expect(await requestFrom(words), commands[i]).toEqual(requests[i]);
  }
});
