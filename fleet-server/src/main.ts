import { asFlotillaError } from '@flotilla/protocol';
import { serverConfig } from './config.ts';
import { startServer } from './start.ts';

/** The server alone as a process, configured by its environment: see `CONFIG` in config.ts. */
try {
  const server = await startServer(serverConfig({}, process.env));
  process.stdout.write(`fleet server at ${server.url}, MQTT at ${server.mqttUrl}\n`);
  if (server.adminToken !== undefined) {
    process.stdout.write(`admin token, shown only now: ${server.adminToken}\n`);
  }
  const stop = () => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
} catch (cause) {
  const error = asFlotillaError(cause);
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitCode);
}
