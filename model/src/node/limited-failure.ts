import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { FromChild } from './limited-messages.ts';
import { fromPlain } from './plain-error.ts';

/** How a limited child process ended. */
export interface Ending {
  /** Its last word, where it had one. */
  readonly message: Exclude<FromChild, { kind: 'progress' }> | undefined;
  /** Why it was killed, where it was by us. */
  readonly stopped: 'timeout' | 'aborted' | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote there. */
  readonly stderr: string;
}

/** What V8, libstdc++, libc and ONNX Runtime say where an allocation is refused. */
const NO_MEMORY =
  /out of memory|bad_alloc|allocation failed|failed to allocate memory|cannot allocate memory/i;

/** The one error that says why a limited child process gave no result. */
export function failureOf(
  task: string,
  ending: Ending,
  limits: { readonly memoryBytes?: number; readonly timeoutMs: number },
): FlotillaError {
  const { message, stopped, code, signal, stderr } = ending;
  if (stopped === 'aborted') return new FlotillaError('child.aborted', { task });
  if (stopped === 'timeout') {
    return new FlotillaError('child.timeout', { task, seconds: limits.timeoutMs / 1000 });
  }
  const thrown = message?.kind === 'failed' ? fromPlain(message.error) : undefined;
  if (limits.memoryBytes && NO_MEMORY.test(thrown ? thrown.message : stderr)) {
    const limitMiB = Math.floor(limits.memoryBytes / (1 << 20));
    return new FlotillaError('child.out-of-memory', { task, limitMiB });
  }
  if (isFlotillaError(thrown, 'internal.unexpected')) {
    const { reason } = thrown.context;
    return new FlotillaError('child.failed', { task, reason }, { cause: thrown });
  }
  if (thrown) return thrown;
  const detail = lastLine(stderr);
  if (signal) return new FlotillaError('child.crashed', { task, signal, detail });
  const reason = `it ended with exit code ${code} and no result${detail && `: ${detail}`}`;
  return new FlotillaError('child.failed', { task, reason });
}

/** The last line that tells something: not a stack frame, not Node's version. */
function lastLine(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !/^(at |Node\.js v|\d+: 0x|-----|[{}\]^])/.test(line));
  return (lines.at(-1) ?? '').slice(0, 300);
}
