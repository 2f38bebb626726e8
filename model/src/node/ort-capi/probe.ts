import { asFlotillaError, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { runLimited } from '../limited.ts';
import { fileProblem } from './elf.ts';
import type { LibraryFacts } from './runtime.ts';

const TIMEOUT_MS = 30_000;

/**
 * What a library is, found out in a child process: one that is damaged, or no ONNX Runtime at all,
 * may end the process that opens it.
 *
 * @param env of the child, beside PATH: LD_LIBRARY_PATH where the library needs it
 * @throws FlotillaError `runtime.library-unusable`
 */
export async function probeLibrary(
  path: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LibraryFacts> {
  const problem = await fileProblem(path);
  if (problem !== undefined) {
    throw new FlotillaError('runtime.library-unusable', { path, reason: problem });
  }
  try {
    return await runLimited<LibraryFacts>({
      script: new URL('./probe-task.ts', import.meta.url),
      name: 'the process that opened it',
      input: path,
      timeoutMs: TIMEOUT_MS,
      env,
    });
  } catch (error) {
    if (isFlotillaError(error, 'runtime.library-unusable')) throw error;
    const reason = isFlotillaError(error, 'child.crashed')
      ? `the process that opened it crashed (${error.context.signal})`
      : asFlotillaError(error).message;
    throw new FlotillaError('runtime.library-unusable', { path, reason }, { cause: error });
  }
}
