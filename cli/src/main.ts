#!/usr/bin/env node
import { constants } from 'node:os';
import { asFlotillaError, isFlotillaError } from '@flotilla/protocol';
import { readSettings } from './config.ts';
import type { Context } from './context.ts';
import { run } from './run.ts';
import { terminalLive } from './ui/live.ts';
import { pointAt } from './ui/point-at.ts';
import { printable } from './ui/printable.ts';
import { terminalProgress } from './ui/progress.ts';
import { COLORED, PLAIN } from './ui/style.ts';

const args = process.argv.slice(2);
const asJson = args.includes('--json');
const interruption = new AbortController();
process.once('SIGINT', () => {
  interruption.abort();
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => interruption.abort());
// Who read the output has left, as `head` does, or it has no room: nobody is there to work for.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE') process.exit(128 + constants.signals.SIGPIPE);
  process.stderr.write(`flotilla: the output cannot be written: ${message}\n`);
  process.exit(1);
});

const context: Context = {
  settings: readSettings(process.env),
  environment: process.env,
  say: (text = '') => void (asJson || process.stdout.write(`${printable(text)}\n`)),
  json: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
  get columns() {
    return process.stdout.columns || Number.POSITIVE_INFINITY;
  },
  progress: () => terminalProgress(process.stderr),
  live: () =>
    process.stdout.isTTY && !asJson
      ? terminalLive(process.stdout, process.env.NO_COLOR ? PLAIN : COLORED)
      : undefined,
  interrupted: interruption.signal,
};

try {
  process.exitCode = await run(args, context);
} catch (error) {
  const failure = asFlotillaError(error);
  terminalProgress(process.stderr).clear();
  process.stderr.write(`flotilla: ${failure.message}\n`);
  if (isFlotillaError(failure, 'api.refused')) {
    const { selector: text, at } = failure.context;
    const { columns } = process.stderr;
    if (text !== undefined && at) process.stderr.write(`${pointAt({ text, at }, columns)}\n`);
  }
  process.exitCode = failure.exitCode;
}
