import { FlotillaError } from '@flotilla/protocol';
import type { Fallback } from '../runtime.ts';

interface Taken<T> {
  readonly loaded: T;
  readonly provider: string;
  readonly fallbacks: Fallback[];
}

/**
 * Tries providers in order: ONNX Runtime itself does not fall back.
 *
 * @throws FlotillaError `runtime.load-failed` where the CPU provider refuses the model,
 *   `runtime.no-provider` where the list ends without it
 */
export async function tryProviders<T>(
  wanted: readonly string[] | undefined,
  available: readonly string[],
  load: (provider: string) => T | Promise<T>,
): Promise<Taken<T>> {
  const fallbacks: Fallback[] = [];
  for (const provider of wanted?.length ? wanted : ['cpu']) {
    try {
      return { loaded: await load(provider), provider, fallbacks };
    } catch (cause) {
      const reason = reasonOf(cause);
      // The CPU provider takes every model that the library can read: its reason is the model's.
      if (provider === 'cpu') {
        throw new FlotillaError('runtime.load-failed', { reason }, { cause });
      }
      fallbacks.push({ provider, reason });
    }
  }
  throw new FlotillaError('runtime.no-provider', {
    tried: fallbacks.map(({ provider, reason }) => `${provider}: ${reason}`).join('; '),
    available: available.join(', '),
  });
}

/** Parts of the library's messages that only its developers can use. */
const NOISE = [
  /\[ONNXRuntimeError\] : \d+ : \w+ : /g,
  // a source file, a line, and the signature or the name of a function
  /\S+\.(h|cc):\d+ [^"]*?\) (?=[A-Z]|\S+\.(h|cc):\d)/g,
  /\S+\.(h|cc):\d+ \w+ (?=[A-Z])/g,
  / ; GPU=.*$/,
  /[.\s]+$/,
];

/** What went wrong, in one line that a person can use. */
export function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const [line = ''] = text.split('\n');
  return NOISE.reduce((left, noise) => left.replace(noise, ''), line).slice(0, 300);
}
