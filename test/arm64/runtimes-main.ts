/** Program of the arm64 suite: prints what each runtime does with the models of a file. */
import { readFile } from 'node:fs/promises';
import { deserialize } from 'node:v8';
import { findRuntimes, makeRuntime, ortRuntime, tfliteRuntime } from '@flotilla/model/node';
import { type EssentialModels, passedTypes, runEssentials, runTflite } from './essentials.ts';

const [file = '', library = ''] = process.argv.slice(2);
const models: EssentialModels = deserialize(await readFile(file));

const { runtimes, missing } = await findRuntimes({ ortLibrary: library });
const [device, bundled, tflite] = runtimes;
if (!device || !bundled || !tflite) throw new Error(JSON.stringify(missing));

const own = await makeRuntime({ kind: 'onnxruntime-device', library });

const results = {
  arch: process.arch,
  runtimes: runtimes.map(({ name, version, maxOpset, providers }) => ({
    name,
    version,
    maxOpset,
    providers,
  })),
  onnx: {
    'onnxruntime on the calling thread': await runEssentials(ortRuntime(), models),
    'onnxruntime on a thread of its own': await runEssentials(bundled, models),
    'the device library on the calling thread': await runEssentials(own, models),
    'the device library on a thread of its own': await runEssentials(device, models),
  },
  passed: [await passedTypes(ortRuntime(), models), await passedTypes(own, models)],
  tflite: [await runTflite(tfliteRuntime(), models), await runTflite(tflite, models)],
};
export type Results = typeof results;
process.stdout.write(JSON.stringify(results));
