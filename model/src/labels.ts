import { FlotillaError } from '@flotilla/protocol';

const MAX_LABELS = 100_000;
const MAX_LABEL_LENGTH = 255;
export const MAX_LABELS_BYTES = 8 << 20;

/**
 * Reads a labels file: one label a line, in the order of the classes, UTF-8.
 *
 * @param file its name, for messages
 * @throws FlotillaError `labels.invalid`
 */
export function parseLabels(bytes: Uint8Array, file: string): string[] {
  const fail = (reason: string): never => {
    throw new FlotillaError('labels.invalid', { file, reason });
  };
  if (bytes.length > MAX_LABELS_BYTES) return fail(`larger than ${MAX_LABELS_BYTES} bytes`);
  const lines = decodeUtf8(bytes, fail).split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  if (lines.length === 0) return fail('it is empty');
  if (lines.length > MAX_LABELS) return fail(`more than ${MAX_LABELS} lines`);
  const long = lines.findIndex((line) => line.length > MAX_LABEL_LENGTH);
  if (long !== -1) return fail(`line ${long + 1} is longer than ${MAX_LABEL_LENGTH} characters`);
  return lines.map((line) => line.trim());
}

function decodeUtf8(bytes: Uint8Array, fail: (reason: string) => never): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail('it is not UTF-8 text');
  }
}
