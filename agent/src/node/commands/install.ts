import { resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { usage } from '../config.ts';
import { execute } from '../service/execute.ts';
import { lookAtHost } from '../service/host.ts';
import { type Action, describe, planInstall } from '../service/plan.ts';
import { UNIT_DIR, UNIT_NAME } from '../service/unit.ts';
import { type Command, type CommandInput, text } from './command.ts';

const DATA = '/var/lib/flotilla';
const USER = 'flotilla';

export const installCommand: Command = {
  usage: 'install [--data DIR] [--user NAME] [--unit-dir DIR] [--dry-run]',
  summary: 'As root: start the agent at each boot, as a sandboxed service that systemd watches.',
  options: {
    data: { type: 'string', value: 'DIR', doc: `folder that holds all state (${DATA})` },
    user: { type: 'string', value: 'NAME', doc: `system user, made if it is new (${USER})` },
    'unit-dir': { type: 'string', value: 'DIR', doc: `where the unit goes (${UNIT_DIR})` },
    'dry-run': { type: 'boolean', doc: 'print what would be done, and the unit' },
  },
  examples: ['flotilla-agent install --data /var/lib/flotilla', 'flotilla-agent install --dry-run'],
  async run(input) {
    const options = {
      data: readFolder(input, 'data', DATA),
      user: readUser(input),
      unitDir: readFolder(input, 'unit-dir', UNIT_DIR),
    };
    const host = await lookAtHost(options);
    await carryOut(planInstall(options, host), input);
    if (input.values['dry-run']) return;
    const unit = `${options.unitDir}/${UNIT_NAME}`;
    if (!host.managed) return input.io.print(`${unit} is written, and nothing started`);
    if (host.enrolled) return input.io.print(`${UNIT_NAME} runs: journalctl -u ${UNIT_NAME}`);
    const enroll = `sudo -u ${options.user} ${host.program.join(' ')} enroll`;
    input.io.print(
      `${UNIT_NAME} starts at each boot; next: ${enroll} --data ${options.data} --server URL --token TOKEN, then systemctl start ${UNIT_NAME}`,
    );
  },
};

/**
 * Does what is planned, and tells each thing before it is done; with `--dry-run` tells only.
 *
 * @throws FlotillaError `service.not-root`, `service.command-failed`
 */
export async function carryOut(actions: readonly Action[], { values, io }: CommandInput) {
  const dry = values['dry-run'] === true;
  if (!dry && process.getuid?.() !== 0) throw new FlotillaError('service.not-root', {});
  for (const action of actions) {
    io.print(describe(action));
    if (dry && action.kind === 'writeFile') io.print(`\n${action.text}`);
    if (!dry) await execute(action);
  }
}

/** An absolute path that a unit can name. */
export function readFolder(input: CommandInput, name: string, fallback: string): string {
  const path = resolve(text(input, name) ?? fallback);
  if (!/[\p{Cc}]/u.test(path) && path !== '/') return path;
  throw usage(`--${name} takes a folder, not ${JSON.stringify(path.slice(0, 80))}`);
}

/** As useradd(8) takes it. */
function readUser(input: CommandInput): string {
  const user = text(input, 'user') ?? USER;
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(user)) return user;
  throw usage(`--user takes a name of a-z, 0-9, '_' and '-', not ${user.slice(0, 40)}`);
}
