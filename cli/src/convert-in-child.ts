import type { ConvertRequest, ConvertResult, OnProgress } from '@flotilla/converters';
import { runLimited } from '@flotilla/model/node';

/** A model on a developer's machine may be large; these bounds end what has gone astray. */
const MEMORY_BYTES = 8 * 2 ** 30;
const TIMEOUT_MS = 6 * 3600 * 1000;

/** Converts in a child process: a model that makes the runtime abort ends there, with one line. */
export function convertInChild(
  request: ConvertRequest,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<ConvertResult> {
  return runLimited<ConvertResult, Parameters<OnProgress>[0]>({
    script: new URL(import.meta.resolve('@flotilla/converters/child')),
    name: `optimizing ${request.modelFile}`,
    input: request,
    memoryBytes: MEMORY_BYTES,
    timeoutMs: TIMEOUT_MS,
    onProgress,
    signal,
  });
}
