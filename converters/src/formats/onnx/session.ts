import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadOptions, Runtime, Session } from '@flotilla/model';
import type { Model } from '../../ir/graph.ts';
import { totalLength } from './payloads.ts';
import { onnxPieces, writeOnnx } from './write.ts';
import { writeOnnxFile } from './write-file.ts';

/** A model up to this size goes to the runtime through memory, which holds it twice for a moment. */
const IN_MEMORY_BYTES = 256 << 20;

/** Initializers that a large model leaves to a file, from which the runtime maps them. */
const EXTERNAL_BYTES = 64 << 10;

/**
 * Loads a model of any size. A large one goes through files in the system's folder for temporary
 * files. Their names go as soon as they are loaded, so that a process that is killed leaves nothing:
 * POSIX keeps what is mapped. Elsewhere they go with the session.
 *
 * @throws FlotillaError what `runtime.load` and `writeOnnxFile` throw
 */
export async function loadModelIn(
  runtime: Runtime,
  model: Model,
  options?: LoadOptions,
  inMemoryBytes = IN_MEMORY_BYTES,
): Promise<Session> {
  if (totalLength(onnxPieces(model)) <= inMemoryBytes) {
    return await runtime.load(writeOnnx(model), options);
  }
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-model-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'model.onnx');
    await writeOnnxFile(model, path, { externalAbove: EXTERNAL_BYTES });
    const session = await runtime.load(path, options);
    await remove().catch(() => {});
    return { ...session, dispose: () => session.dispose().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
