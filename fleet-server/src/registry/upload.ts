import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { readTarStream, syncFolder, type TarFile } from '@flotilla/protocol/node';

export interface UploadLimits {
  /** Of all files together, bytes. */
  readonly maxBytes: number;
  /** Of the model file, bytes. */
  readonly maxModelBytes: number;
  readonly maxFiles: number;
}

/** What a push brought, on the disk: a model to build, or bundles that are ready. */
export type Upload =
  | {
      readonly kind: 'source';
      readonly modelFile: string;
      readonly specFile: string | undefined;
      readonly calibration: string | undefined;
      readonly evaluation: string | undefined;
    }
  | {
      readonly kind: 'bundles';
      readonly bundles: readonly string[];
      /** Reports of the tool that made them. */
      readonly reports: readonly string[];
    };

/** Model and spec of 2 GB at most; protobuf itself ends there. */
export const MAX_MODEL_BYTES = 2 * 2 ** 30;
export const MAX_UPLOAD_FILES = 100_000;

const DATA = /^(calibration|evaluation)\//;
const TOP = /^[^/]+\.(onnx|yaml|yml|txt|csv|json|data|npy|npz|flotilla)$/;
/** Control characters, and the backslash that some systems take for a slash. */
const UNSAFE = /[\p{Cc}\\]/u;
const MAX_PATH = 240;
const MAX_SEGMENTS = 8;

/**
 * Receives a tar into a new folder; every file is on the disk when this returns.
 *
 * @throws FlotillaError `upload.invalid`, `request.too-large`
 */
export async function receiveUpload(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  limits: UploadLimits,
): Promise<Upload> {
  const paths = new Set<string>();
  const folders = new Set([folder]);
  let total = 0;
  await mkdir(folder, { recursive: true });
  for await (const file of readTarStream(source)) {
    const path = checkPath(file.path);
    if (paths.has(path)) throw invalid(path, 'comes twice');
    if (paths.size === limits.maxFiles) throw tooLarge('upload', `${limits.maxFiles} files`);
    total += file.size;
    if (total > limits.maxBytes) throw tooLarge('upload', `${limits.maxBytes} bytes`);
    if (path.endsWith('.onnx') && file.size > limits.maxModelBytes) {
      throw tooLarge(path, `${limits.maxModelBytes} bytes`);
    }
    paths.add(path);
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    for (let at = dirname(target); !folders.has(at); at = dirname(at)) folders.add(at);
    await store(file, target);
  }
  for (const made of folders) await syncFolder(made);
  await syncFolder(dirname(folder));
  return classify([...paths], folder);
}

/** A relative path of plain segments, the leading `./` of many archivers left out. */
function checkPath(given: string): string {
  const path = given.replace(/^(\.\/)+/, '');
  const segments = path.split('/');
  const plain = segments.every((s) => s !== '' && s !== '.' && s !== '..' && !UNSAFE.test(s));
  if (!plain || path.length > MAX_PATH || segments.length > MAX_SEGMENTS) {
    throw invalid(JSON.stringify(given.slice(0, 120)), 'is not a path that may be uploaded');
  }
  if (!DATA.test(path) && !TOP.test(path)) {
    const expected = 'model.onnx, model.yaml, labels, calibration/, evaluation/ or *.flotilla';
    throw invalid(JSON.stringify(path), `is not expected here: send ${expected}`);
  }
  return path;
}

async function store(file: TarFile, target: string): Promise<void> {
  const handle = await open(target, 'wx', 0o600);
  try {
    for await (const chunk of file.content) await handle.write(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function classify(paths: readonly string[], folder: string): Upload {
  const top = (...endings: string[]) =>
    paths.filter((path) => !path.includes('/') && endings.some((end) => path.endsWith(end)));
  const bundles = top('.flotilla');
  const models = top('.onnx');
  if (bundles.length > 0 && models.length === 0) {
    const full = (names: string[]) => names.map((name) => join(folder, name));
    return { kind: 'bundles', bundles: full(bundles), reports: full(top('.json')) };
  }
  const [model] = models;
  if (model === undefined || models.length > 1 || bundles.length > 0) {
    throw invalid('the archive', 'must hold one model (*.onnx) or bundles (*.flotilla)');
  }
  const has = (name: string) =>
    paths.some((path) => path.startsWith(`${name}/`)) ? join(folder, name) : undefined;
  const [spec] = top('.yaml', '.yml');
  return {
    kind: 'source',
    modelFile: join(folder, model),
    specFile: spec === undefined ? undefined : join(folder, spec),
    calibration: has('calibration'),
    evaluation: has('evaluation'),
  };
}

const invalid = (where: string, reason: string) =>
  new FlotillaError('upload.invalid', { where, reason });
const tooLarge = (where: string, limit: string) =>
  new FlotillaError('request.too-large', { where, limit });
