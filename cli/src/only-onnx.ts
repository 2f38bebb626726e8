import { open } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';

/** Name of the first entry of a tar that is an OCI image layout. */
const FIRST_ENTRY = 'oci-layout\0';

/**
 * A bundle read as ONNX would be called damaged, which it is not.
 *
 * @throws FlotillaError `model.not-onnx` that says how to get at the model in it
 */
export async function refuseBundle(file: string): Promise<void> {
  if (!(await isBundle(file))) return;
  throw new FlotillaError('model.not-onnx', {
    file,
    reason: 'it is a bundle',
    advice: `take the model out with flotilla bundle extract ${file} -o model.onnx`,
  });
}

/** False also for what cannot be read: whoever works on the file says why. */
async function isBundle(file: string): Promise<boolean> {
  const opened = await open(file, 'r').catch(() => undefined);
  if (opened === undefined) return false;
  try {
    if (!(await opened.stat()).isFile()) return false;
    const { buffer, bytesRead } = await opened.read({ buffer: Buffer.alloc(FIRST_ENTRY.length) });
    return file.endsWith('.flotilla') || buffer.toString('latin1', 0, bytesRead) === FIRST_ENTRY;
  } finally {
    await opened.close();
  }
}
