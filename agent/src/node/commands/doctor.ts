import { FlotillaError } from '@flotilla/protocol';
import { chartOf } from '../doctor/chart.ts';
import { examine } from '../doctor/examine.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

export const doctorCommand: Command = {
  usage: 'doctor [--data DIR] [--ort-library PATH] [--json]',
  summary: 'Look at this device: what was found, what is missing, and how to get it.',
  options: {
    data: configOption('data', 'DIR'),
    'ort-library': configOption('ortLibrary', 'PATH'),
    json: JSON_OPTION,
  },
  examples: ['flotilla-agent doctor --data /var/lib/flotilla', 'flotilla-agent doctor --json'],
  async run(input) {
    const { data, ortLibrary } = configOf(input);
    const libraryPath = input.io.env.LD_LIBRARY_PATH;
    const checks = await examine(data, { ortLibrary, ...(libraryPath ? { libraryPath } : {}) });
    if (input.values.json) input.io.print(JSON.stringify({ version: AGENT_VERSION, checks }));
    else input.io.print(`Flotilla agent ${AGENT_VERSION}\n\n${chartOf(checks)}`);
    const failed = checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);
    if (failed.length > 0) throw new FlotillaError('doctor.failed', { checks: failed.join(', ') });
  },
};
