import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { bundleForNode } from '../../../scripts/bundle-for-node.ts';
import type { FlotillaTask } from './make-flotilla.ts';
import type { Cost, Ground, Made } from './row.ts';
import { type Setting, type StaticSetting, settingName, type Tool } from './settings.ts';

const MAKER = 'test/bench/converters/make-flotilla.ts';
/** Below the packages, which the bundle finds from there. */
const BUNDLES = fileURLToPath(
  new URL('../../../node_modules/.cache/flotilla-bench-bundles', import.meta.url),
);
const FLOTILLA = join(BUNDLES, 'make-flotilla.js');
const PEER = fileURLToPath(new URL('../peers/quantize.py', import.meta.url));

const PEER_METHODS = {
  'min-max': 'MinMax',
  percentile: 'Percentile',
  entropy: 'Entropy',
} as const satisfies Record<StaticSetting['method'], string>;

/** Bundles what makes Flotilla's models, as what is published is: time and memory are the product's. */
export async function bundleMaker(): Promise<void> {
  await bundleForNode(new Map([['make-flotilla', MAKER]]), BUNDLES);
}

/**
 * Has a tool make a model in a process of its own.
 *
 * @param python of the peers' environment
 * @throws Error with the last line that the process wrote
 */
export async function makeModel(
  tool: Tool,
  setting: Setting,
  ground: Ground,
  python: string,
): Promise<Made> {
  const settings = settingName(setting);
  const file = join(ground.folder, `${tool}-${settings.replaceAll(' ', '-')}.onnx`);
  const { seconds, peakMb, chosen } =
    tool === 'flotilla'
      ? await runJson(process.execPath, [FLOTILLA], flotillaTask(setting, ground, file))
      : await runJson(python, [PEER], peerTask(setting, ground, file));
  return { tool, settings, file, seconds, peakMb, ...(chosen === undefined ? {} : { chosen }) };
}

function flotillaTask(setting: Setting, ground: Ground, out: string): FlotillaTask {
  const { modelFile, specFile, folders, calibration } = ground;
  const inputs = Object.keys(calibration[0]?.tensors ?? {});
  return { setting, modelFile, specFile, inputs, ...folders, out };
}

function peerTask(setting: Setting, { modelFile, folders }: Ground, out: string): object {
  const given = setting.kind === 'static' ? setting : undefined;
  return {
    model: modelFile,
    out,
    samples: given === undefined ? null : folders.calibration,
    method: PEER_METHODS[given?.method ?? 'min-max'],
    activation: 'QUInt8',
    perChannel: given?.perChannel ?? false,
    symmetric: false,
  };
}

async function runJson(command: string, args: readonly string[], task: object): Promise<Cost> {
  const child = spawn(command, args, { stdio: 'pipe' });
  child.stdin.end(JSON.stringify(task));
  const [[code], out, errors] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  if (code !== 0) throw new Error(complaintOf(errors) || `exit code ${code}`);
  const cost: Cost = JSON.parse(lastLine(out));
  return cost;
}

/** The line that names the error; both languages print a stack around it. */
function complaintOf(errors: string): string {
  const lines = errors.split('\n');
  return (lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lastLine(errors)).slice(0, 200);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
