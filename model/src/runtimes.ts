import {
  asFlotillaError,
  type BundleConfig,
  FlotillaError,
  isFlotillaError,
} from '@flotilla/protocol';
import type { Fallback, LoadOptions, ModelData, Runtime, Session } from './runtime.ts';

/** What a model needs, as its bundle says. */
export type RuntimeNeed = Pick<BundleConfig['runtime'], 'name' | 'opset'>;

type RuntimeFacts = Pick<Runtime, 'name' | 'runs' | 'version' | 'maxOpset'>;

/** Stands for all providers that a device has, best first. */
export const AUTO_PROVIDERS = 'auto';
const ACCELERATORS = ['tensorrt', 'cuda'] as const;
const BEST_FIRST = [...ACCELERATORS, 'cpu'] as const;

/** True for a provider of a GPU, which `auto` tries before the CPU. */
export const isAccelerator = (provider: string): boolean =>
  ACCELERATORS.some((name) => name === provider);

/** The runtimes that run such a model. */
export const fittingRuntimes = <R extends RuntimeFacts>(
  runtimes: readonly R[],
  need: RuntimeNeed,
): R[] => runtimes.filter(({ runs, maxOpset }) => runs === need.name && need.opset <= maxOpset);

/** Why none of the runtimes runs such a model, naming those that were considered; or undefined. */
export function whyNoneFits(
  runtimes: readonly RuntimeFacts[],
  need: RuntimeNeed,
): string | undefined {
  if (fittingRuntimes(runtimes, need).length > 0) return undefined;
  const kin = runtimes.filter(({ runs }) => runs === need.name);
  if (kin.length === 0) {
    const names = runtimes.map(({ name }) => name).join(', ') || 'none';
    return `it needs ${need.name}, and the runtimes here are ${names}`;
  }
  const ends = kin.map(({ name, version, maxOpset }) => `${name} ${version} ends at ${maxOpset}`);
  return `it needs opset ${need.opset}, and ${ends.join(', ')}`;
}

interface Attempt {
  readonly runtime: Runtime;
  readonly provider: string;
}

/**
 * Loads a model with the first provider that takes it, and of the runtimes that have the provider
 * the first: the session tells which those were, and why others did not take it.
 *
 * @param options `providers` left out, or `auto`, stands for TensorRT, CUDA and the CPU, as far as
 *   the runtimes have them
 * @throws FlotillaError `runtime.none-fits`, `runtime.load-failed`, `runtime.no-provider`
 */
export async function loadWithFallback(
  runtimes: readonly Runtime[],
  need: RuntimeNeed,
  model: ModelData,
  options: LoadOptions = {},
): Promise<Session> {
  const unfit = whyNoneFits(runtimes, need);
  if (unfit !== undefined) throw new FlotillaError('runtime.none-fits', { reason: unfit });
  const fitting = fittingRuntimes(runtimes, need);
  const fallbacks = tooOld(runtimes, need);
  let refusal: FlotillaError | undefined;
  for (const { runtime, provider } of planAttempts(fitting, options.providers)) {
    try {
      const session = await runtime.load(model, { ...options, providers: [provider] });
      return { ...session, fallbacks };
    } catch (error) {
      if (isFlotillaError(error, 'runtime.load-failed')) refusal ??= error;
      const name = fitting.length > 1 ? `${runtime.name}/${provider}` : provider;
      fallbacks.push({ provider: name, reason: reasonOf(provider, error) });
    }
  }
  throw refusal ?? noProvider(fitting, fallbacks);
}

/** Runtimes of the right kind that end below the model's opset: a GPU may be left idle by it. */
const tooOld = (runtimes: readonly Runtime[], { name, opset }: RuntimeNeed): Fallback[] =>
  runtimes
    .filter(({ runs, maxOpset }) => runs === name && maxOpset < opset)
    .map((runtime) => ({
      provider: runtime.name,
      reason: `it ends at opset ${runtime.maxOpset}, and the model needs ${opset}`,
    }));

/** In order of providers; one that was asked for by name is tried even where nobody lists it. */
export function planAttempts(
  fitting: readonly Runtime[],
  providers: readonly string[] = [AUTO_PROVIDERS],
): Attempt[] {
  const wanted = providers.flatMap((name) => (name === AUTO_PROVIDERS ? BEST_FIRST : [name]));
  return [...new Set(wanted)].flatMap((provider) => {
    const having = fitting.filter((runtime) => runtime.providers.includes(provider));
    const asked = providers.includes(provider);
    const tried = having.length > 0 || !asked ? having : fitting;
    return tried.map((runtime) => ({ runtime, provider }));
  });
}

/** The reason alone, without what the error says around it. */
function reasonOf(provider: string, error: unknown): string {
  if (isFlotillaError(error, 'runtime.load-failed')) return error.context.reason;
  if (isFlotillaError(error, 'runtime.no-provider')) {
    return error.context.tried.replace(`${provider}: `, '');
  }
  return asFlotillaError(error).message;
}

const noProvider = (fitting: readonly Runtime[], fallbacks: readonly Fallback[]) =>
  new FlotillaError('runtime.no-provider', {
    tried: describeFallbacks(fallbacks).join('; '),
    available: [...new Set(fitting.flatMap(({ providers }) => providers))].join(', '),
  });

/** One line for each, as reports and logs carry them. */
export const describeFallbacks = (fallbacks: readonly Fallback[]): string[] =>
  fallbacks.map(({ provider, reason }) => `${provider}: ${reason}`);
