import { readFile } from 'node:fs/promises';
import { type ModelSpec, parseSpec } from '@flotilla/model';

/** @throws FlotillaError `spec.invalid` */
export async function readSpec(file: string): Promise<ModelSpec> {
  return parseSpec(await readFile(file, 'utf8'), file);
}
