/** Program of the arm64 suite: prints what each runtime does with the models of a file. */
import { readFile } from 'node:fs/promises';
import { deserialize } from 'node:v8';
import { ortRuntime, workerRuntime } from '@flotilla/model/node';
import { type EssentialModels, runEssentials } from './essentials.ts';

const [file = ''] = process.argv.slice(2);
const models: EssentialModels = deserialize(await readFile(file));

const RUNTIMES = {
  'on the calling thread': ortRuntime,
  'on a thread of its own': workerRuntime,
};

const results: Record<string, unknown> = { arch: process.arch };
for (const [name, make] of Object.entries(RUNTIMES)) {
  results[name] = await runEssentials(make(), models);
}
process.stdout.write(JSON.stringify(results));
