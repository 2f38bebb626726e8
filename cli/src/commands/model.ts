import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import { type Api, type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { readPoints } from '../numbers.ts';
import { type TarSource, tarStream } from '../tar-stream.ts';
import { addExamples } from '../ui/examples.ts';
import { table } from '../ui/table.ts';

interface PushOptions extends ApiOptions {
  readonly name?: string;
  readonly targets?: string;
  readonly precisions?: string;
  readonly calibration?: string;
  readonly evaluate?: string;
  readonly maxDrop?: string;
  readonly wait: boolean;
  readonly json?: boolean;
}

export interface PushedVersion {
  readonly model: string;
  readonly version: number;
  readonly status: string;
  readonly build?: { readonly error?: string; readonly progress?: BuildProgress } | null;
  readonly variants: readonly { readonly target: string; readonly precision: string }[];
}

interface BuildProgress {
  readonly step?: string;
  readonly target?: string;
  readonly precision?: string;
  readonly done?: number;
  readonly total?: number;
}

const POLL_MS = 250;
/** Files beside a model that belong to it. */
const MODEL_FILES = /\.(onnx|ya?ml|txt|data)$/;

const EXAMPLE = `
Example:
  flotilla model push examples/parts-inspection/versions/2 --targets raspberry-pi-5,x86-64 --calibration images/ --evaluate images/
  flotilla model push out/ --name parts
  flotilla model list`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  withApiOptions(
    command.command('push').argument('<path>', 'folder of a model or of bundles, or an ONNX file'),
    context,
  )
    .description('send a model as a new version; the server builds its variants')
    .option('--name <model>', 'name of the model; default: that of its spec')
    .option('--targets <targets>', 'targets to build for; default: x86-64')
    .option('--precisions <precisions>', 'auto, or a list', 'auto')
    .option('--calibration <folder>', 'data that int8 ranges are read from')
    .option('--evaluate <folder>', 'data that variants are judged on')
    .option('--max-drop <points>', 'largest net loss of accuracy in percentage points')
    .option('--no-wait', 'do not wait for the build')
    .action((path: string, options: PushOptions) => push(path, options, context));
  withApiOptions(command.command('list'), context)
    .description('list the models of the fleet')
    .action((options: ApiOptions & { json?: boolean }) => list(options, context));
}

async function push(path: string, options: PushOptions, context: Context): Promise<void> {
  const files = await collect(path, options);
  const name = options.name ?? (await specName(files));
  const progress = context.progress();
  const onFile = (done: number) => progress.update('sending', done / files.length);
  const api = connect(options);
  const { targets, precisions = 'auto', maxDrop } = options;
  const query = new URLSearchParams({ precisions });
  if (targets !== undefined) query.set('targets', targets);
  if (maxDrop !== undefined) query.set('maxDrop', `${readPoints('--max-drop', maxDrop)}`);
  const pushed = await api.upload<{ model: string; version: number }>(
    `/models/${encodeURIComponent(name)}/versions?${query}`,
    'application/x-tar',
    tarStream(files, onFile),
  );
  const version = options.wait
    ? await waitForBuild(api, pushed, context.interrupted, (share, label) =>
        progress.update(label, share),
      )
    : undefined;
  progress.clear();
  if (options.json) context.json(version ?? pushed);
  context.say(
    `${pushed.model}@${pushed.version} ${version === undefined ? 'is being built' : 'is ready'}`,
  );
  const variants = version?.variants ?? [];
  if (variants.length > 0) {
    context.say(
      table(
        ['target', 'precision'],
        variants.map((v) => [v.target, v.precision]),
        context.columns,
      ),
    );
  }
}

/**
 * Waits until a version is built.
 *
 * @throws FlotillaError `push.build-failed` with what the build ended with, `push.not-awaited`
 */
export async function waitForBuild(
  api: Api,
  { model, version }: Pick<PushedVersion, 'model' | 'version'>,
  interrupted: AbortSignal,
  onProgress: (share: number, label: string) => void,
): Promise<PushedVersion> {
  for (;;) {
    const state = await api.get<PushedVersion>(`/models/${model}/versions/${version}`);
    if (state.status === 'ready') return state;
    if (state.status === 'failed') {
      const reason = state.build?.error ?? 'no reason given';
      throw new FlotillaError('push.build-failed', { model: `${model}@${version}`, reason });
    }
    const {
      step = 'waiting',
      target = '',
      precision = '',
      done = 0,
      total = 1,
    } = state.build?.progress ?? {};
    onProgress(done / Math.max(1, total), `building: ${step} ${target} ${precision}`.trim());
    await sleep(POLL_MS, undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted) {
      throw new FlotillaError('push.not-awaited', { model: `${model}@${version}` });
    }
  }
}

async function list(options: ApiOptions & { json?: boolean }, context: Context): Promise<void> {
  const models = await connect(options).all<{ model: string; lastVersion: number }>('/models');
  if (options.json) context.json({ models });
  if (models.length === 0) context.say('no models yet: send one with flotilla model push');
  else
    context.say(
      table(
        ['model', 'newest'],
        models.map((m) => [m.model, `${m.lastVersion}`]),
        context.columns,
      ),
    );
}

/** The files to send: the model's own, then its data under the names that the server expects. */
export async function collect(
  path: string,
  data: { readonly calibration?: string; readonly evaluate?: string },
): Promise<TarSource[]> {
  const own = await modelFiles(path);
  const calibration = await dataFiles('calibration', data.calibration);
  const evaluation = await dataFiles('evaluation', data.evaluate);
  return [...own, ...calibration, ...evaluation];
}

async function modelFiles(path: string): Promise<TarSource[]> {
  if ((await statOf('model', path)).isDirectory()) {
    const names = await readdir(path);
    const bundles = names.filter((name) => name.endsWith('.flotilla'));
    const reports = names.filter((name) => name.endsWith('-report.json'));
    const wanted =
      bundles.length > 0
        ? [...bundles, ...reports]
        : names.filter((name) => MODEL_FILES.test(name));
    return wanted.sort().map((name) => ({ path: name, file: join(path, name) }));
  }
  const folder = join(path, '..');
  const beside = (await readdir(folder)).filter((name) => /\.(ya?ml|txt)$/.test(name));
  return [basename(path), ...beside].map((name) => ({ path: name, file: join(folder, name) }));
}

async function dataFiles(as: string, folder: string | undefined): Promise<TarSource[]> {
  if (folder === undefined) return [];
  await statOf(`${as} data`, folder);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((file) => ({ path: `${as}/${relative(folder, file)}`, file }));
}

async function statOf(what: string, file: string) {
  try {
    return await stat(file);
  } catch (cause) {
    throw new FlotillaError('file.missing', { what, file }, { cause });
  }
}

async function specName(files: readonly TarSource[]): Promise<string> {
  const spec = files.find(({ path }) => /^[^/]+\.ya?ml$/.test(path));
  if (spec !== undefined) {
    const { readSpec } = await import('../read-spec.ts');
    return (await readSpec(spec.file)).name;
  }
  throw new FlotillaError('cli.usage', {
    reason: 'there is no model.yaml that names it: give --name',
  });
}
