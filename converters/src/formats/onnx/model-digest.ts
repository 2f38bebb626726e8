import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Digest, isFlotillaError } from '@flotilla/protocol';
import { readModelFiles } from './file.ts';

/**
 * SHA-256 over a model file and the files beside it that hold its weights, in order of their
 * locations: other weights are another model. What is not read as ONNX counts as it is, and the
 * runtime decides about it.
 */
export async function digestOfModelFiles(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  for (const path of [file, ...(await externalFilesOf(file))]) {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  }
  return `sha256:${hash.digest('hex')}`;
}

async function externalFilesOf(file: string): Promise<readonly string[]> {
  try {
    return (await readModelFiles(file)).external;
  } catch (error) {
    if (isFlotillaError(error, 'model.not-onnx')) return [];
    throw error;
  }
}
