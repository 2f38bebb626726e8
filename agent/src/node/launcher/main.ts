#!/usr/bin/env node
/** `flotilla-agent launch` as a program of its own: it holds nothing of the agents that it starts. */
import { asFlotillaError } from '@flotilla/protocol';
import { launch } from './launch.ts';
import { dataOf, logLine } from './options.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort());
}

try {
  const args = process.argv.slice(2);
  const { env } = process;
  process.exit(
    await launch({ data: dataOf(args, env), args, env, log: logLine, stop: stop.signal }),
  );
} catch (error) {
  const known = asFlotillaError(error);
  process.stderr.write(`flotilla-agent launch: ${known.message}\n`);
  process.exit(known.exitCode);
}
