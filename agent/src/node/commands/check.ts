import { findRuntimes, sharpDecoder } from '@flotilla/model/node';
import { FlotillaError, PROTOCOL_MINOR } from '@flotilla/protocol';
import { openJournal } from '../../core/index.ts';
import { loadEnrolment } from '../data-folder.ts';
import { createFileStorage } from '../file-storage.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Command } from './command.ts';
import { configOf, configOption, JSON_OPTION } from './shared.ts';

/** One pixel, as a PNG. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const checkCommand: Command = {
  usage: 'check [--data DIR] [--json]',
  summary: 'Tell whether this agent could run on a data folder, without touching it.',
  options: { data: configOption('data', 'DIR'), json: JSON_OPTION },
  examples: ['flotilla-agent check --data /var/lib/flotilla'],
  /**
   * An older agent calls this with `--json` before it makes way for this one: what it reads of the
   * output stays as it is in every later release.
   */
  async run(input) {
    const { data } = configOf(input);
    const { root } = await loadEnrolment(data);
    await openJournal(createFileStorage(data), root);
    const { runtimes, missing } = await findRuntimes({ ortLibrary: 'none' });
    if (runtimes.length === 0) {
      const why = missing.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
      throw new FlotillaError('doctor.failed', { checks: `runtimes (${why})` });
    }
    await sharpDecoder().decode(Buffer.from(PIXEL, 'base64'));
    const said = { version: AGENT_VERSION, protocolMinor: PROTOCOL_MINOR };
    const names = runtimes.map(({ name }) => name);
    input.io.print(
      input.values.json
        ? JSON.stringify({ ...said, runtimes: names })
        : `agent ${AGENT_VERSION} could run on ${data}, with ${names.join(', ')}`,
    );
  },
};
