import { FlotillaError } from '@flotilla/protocol';
import { usage } from '../config.ts';
import { chartOf } from '../doctor/chart.ts';
import { checkFlows } from '../flows/check-flows.ts';
import type { Command } from './command.ts';
import { JSON_OPTION } from './shared.ts';

export const flowCommand: Command = {
  usage: 'flow check FILE [--json]',
  summary: 'Look at a file of flows, and at what they need of this device.',
  options: { json: JSON_OPTION },
  examples: ['flotilla-agent flow check flows.yaml', 'flotilla-agent flow check flows.yaml --json'],
  async run(input) {
    const [action, file, ...more] = input.positionals;
    if (action !== 'check' || file === undefined || more.length > 0) {
      throw usage('flow takes the word check and a file');
    }
    const checks = await checkFlows(file);
    input.io.print(input.values.json ? JSON.stringify({ checks }) : chartOf(checks));
    const failed = checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);
    if (failed.length > 0) {
      throw new FlotillaError('flow.check-failed', { checks: [...new Set(failed)].join(', ') });
    }
  },
};
