import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderKind, isManaged, isOwnUser } from '../service/host.ts';
import { planUninstall } from '../service/plan.ts';
import { readUnit, UNIT_DIR, UNIT_NAME } from '../service/unit.ts';
import type { Command } from './command.ts';
import { carryOut, readFolder } from './install.ts';

export const uninstallCommand: Command = {
  usage: 'uninstall [--purge] [--unit-dir DIR] [--dry-run]',
  summary: 'As root: stop the service and remove its unit; models and identity stay.',
  options: {
    purge: { type: 'boolean', doc: 'remove the data folder and the user too' },
    'unit-dir': { type: 'string', value: 'DIR', doc: `where the unit is (${UNIT_DIR})` },
    'dry-run': { type: 'boolean', doc: 'print what would be done' },
  },
  examples: ['flotilla-agent uninstall', 'flotilla-agent uninstall --purge --dry-run'],
  async run(input) {
    const unitDir = readFolder(input, 'unit-dir', UNIT_DIR);
    const unit = await readFile(join(unitDir, UNIT_NAME), 'utf8').catch(() => undefined);
    const { data = '', user = '' } = readUnit(unit ?? '') ?? {};
    const host = {
      managed: isManaged(unitDir),
      folder: await folderKind(data),
      ownUser: await isOwnUser(user, data),
    };
    const purge = input.values.purge === true;
    await carryOut(planUninstall(unitDir, unit, purge, host), input);
    if (!purge) input.io.print(`${data} stays; --purge removes it too`);
  },
};
