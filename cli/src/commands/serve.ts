import { CONFIG, type ServerConfig, serverConfig, startServer } from '@flotilla/fleet-server';
import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';

const EXAMPLE = `
Every option may also be given by an environment variable, in brackets.

Example:
  flotilla serve --data ./data
  flotilla serve --data ./data --broker mqtt://127.0.0.1:1883 --database postgres://localhost/flotilla`;

export function define(command: Command, context: Context): void {
  for (const [name, { default: fallback, doc, env }] of Object.entries(CONFIG)) {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const value = typeof fallback === 'boolean' ? '' : ' <value>';
    const shown = fallback === '' || fallback === false ? '' : `, default ${fallback}`;
    command.option(`${flag}${value}`, `${doc}${shown} [${env}]`);
  }
  command
    .option('--json', 'print the addresses as one JSON line')
    .addHelpText('after', EXAMPLE)
    .action((options: Record<string, unknown>) => serve(options, context));
}

async function serve(options: Record<string, unknown>, context: Context): Promise<void> {
  const server = await startServer(serverConfig(given(options), context.environment));
  if (options.json === true) {
    const { url, mqttUrl, adminToken } = server;
    context.json({ url, mqttUrl, ...(adminToken === undefined ? {} : { adminToken }) });
  } else {
    context.say(`dashboard and API  ${server.url}`);
    context.say(`MQTT               ${server.mqttUrl}`);
    if (server.adminToken !== undefined) {
      context.say(`admin token        ${server.adminToken}`);
      context.say('                   (shown this once: keep it)');
    }
  }
  await new Promise<void>((resolve) => {
    if (context.interrupted.aborted) return resolve();
    context.interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
}

/** What was given on the command line, with the types that the settings have. */
function given(options: Record<string, unknown>): Partial<ServerConfig> {
  const entries = Object.entries(CONFIG)
    .filter(([name]) => options[name] !== undefined)
    .map(([name, { default: fallback }]) => {
      const value = options[name];
      if (typeof fallback !== 'number') return [name, value];
      if (!/^\d+$/.test(String(value))) {
        throw new FlotillaError('cli.usage', { reason: `--${name} takes a number, not ${value}` });
      }
      return [name, Number(value)];
    });
  return Object.fromEntries(entries) as Partial<ServerConfig>;
}
