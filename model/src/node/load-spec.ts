import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { MAX_LABELS_BYTES, parseLabels } from '../labels.ts';
import { parseSpec } from '../spec/parse.ts';
import { MAX_SPEC_BYTES } from '../spec/schema.ts';
import type { ModelSpec } from '../spec/types.ts';

export interface LoadedSpec {
  readonly spec: ModelSpec;
  readonly file: string;
  /** The file as it is: what a bundle carries. */
  readonly bytes: Uint8Array;
  /** From the labels file or the spec itself. */
  readonly labels: readonly string[] | undefined;
  /** The labels file as it is, where there is one. */
  readonly labelsBytes: Uint8Array | undefined;
}

/**
 * Reads the spec of a model and its labels: the file that is named, else `MODEL.yaml` beside
 * `MODEL.onnx`, else `model.yaml` in its folder.
 *
 * @throws FlotillaError `spec.not-found`, `spec.invalid`, `labels.invalid`
 */
export async function loadSpecFor(modelFile: string, specFile?: string): Promise<LoadedSpec> {
  const file = await findSpec(modelFile, specFile);
  const bytes = await readSmall(file, MAX_SPEC_BYTES, (reason) => {
    throw new FlotillaError('spec.invalid', { file, where: 'the file', reason });
  });
  const spec = parseSpec(new TextDecoder().decode(bytes), file);
  const { classification, detection } = spec.outputs;
  const labels = classification?.labels ?? detection?.labels;
  if (!labels) return { spec, file, bytes, labels: undefined, labelsBytes: undefined };
  if ('names' in labels) {
    return { spec, file, bytes, labels: labels.names, labelsBytes: undefined };
  }
  const labelsBytes = await readLabels(file, labels.file);
  return { spec, file, bytes, labels: parseLabels(labelsBytes, labels.file), labelsBytes };
}

async function findSpec(modelFile: string, specFile: string | undefined): Promise<string> {
  const folder = dirname(modelFile);
  const named = join(folder, `${basename(modelFile, extname(modelFile))}.yaml`);
  const candidates = new Set(specFile ? [specFile] : [named, join(folder, 'model.yaml')]);
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isFile()) return candidate;
  }
  throw new FlotillaError('spec.not-found', { tried: [...candidates].join(' or ') });
}

/** A link out of the folder would let a foreign spec read any file. */
async function readLabels(specFile: string, name: string): Promise<Uint8Array> {
  const fail = (reason: string): never => {
    throw new FlotillaError('labels.invalid', { file: name, reason });
  };
  const folder = await realpath(dirname(specFile));
  const path = await realpath(join(folder, name)).catch(() =>
    fail(`there is no such file beside ${basename(specFile)}`),
  );
  if (!path.startsWith(folder + sep))
    return fail(`it lies outside the folder of ${basename(specFile)}`);
  return readSmall(path, MAX_LABELS_BYTES, fail);
}

async function readSmall(
  file: string,
  limit: number,
  fail: (reason: string) => never,
): Promise<Uint8Array> {
  const info = await stat(file);
  if (!info.isFile()) return fail('is not a file');
  if (info.size > limit) return fail(`is larger than ${limit / 1024} KB`);
  return readFile(file);
}
