import { createSigner } from '@flotilla/protocol/node';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { localKey } from '../local-key.ts';

const EXAMPLE = `
The key signs the bundles that flotilla optimize makes without a server. Only its public half is
shown, for whoever wants to check who made a bundle.

Example:
  flotilla keys export > flotilla-root.json`;

export function define(command: Command, context: Context): void {
  command.addHelpText('after', EXAMPLE);
  command
    .command('export')
    .description('print the public half of the local signing key as JSON')
    .option('--json', 'print JSON (it always is)')
    .action(() => exportKey(context));
}

async function exportKey(context: Context): Promise<void> {
  const { keyPair } = await localKey(context.settings.home);
  const { keyId, publicKey } = createSigner(keyPair);
  context.json({ keyId, keytype: 'ed25519', publicKey });
}
