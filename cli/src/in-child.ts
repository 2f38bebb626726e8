import type {
  BenchRequest,
  BenchResult,
  CompareRequest,
  CompareResult,
  ConvertRequest,
  ConvertResult,
  OnProgress,
  RewriteRequest,
  RewriteResult,
} from '@flotilla/converters';
import { runLimited } from '@flotilla/model/child';

/** A model on a developer's machine may be large; these bounds end what has gone astray. */
const MEMORY_BYTES = 8 * 2 ** 30;
const TIMEOUT_MS = 6 * 3600 * 1000;

const LIMITS = { memoryBytes: MEMORY_BYTES, timeoutMs: TIMEOUT_MS } as const;

const script = (): URL => new URL(import.meta.resolve('@flotilla/converters/child'));

/** Converts in a child process: a model that makes the runtime abort ends there, with one line. */
export function convertInChild(
  request: ConvertRequest,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<ConvertResult> {
  return runLimited<ConvertResult, Parameters<OnProgress>[0]>({
    ...LIMITS,
    script: script(),
    name: `optimizing ${request.modelFile}`,
    input: request,
    onProgress,
    signal,
  });
}

export function benchInChild(request: BenchRequest, signal: AbortSignal): Promise<BenchResult> {
  const name = `measuring ${request.modelFile}`;
  return runLimited({ ...LIMITS, script: script(), export: 'bench', name, input: request, signal });
}

export function compareInChild(
  request: CompareRequest,
  signal: AbortSignal,
): Promise<CompareResult> {
  const name = `comparing ${request.a} and ${request.b}`;
  return runLimited({
    ...LIMITS,
    script: script(),
    export: 'compare',
    name,
    input: request,
    signal,
  });
}

export function rewriteInChild(
  request: RewriteRequest,
  signal: AbortSignal,
): Promise<RewriteResult> {
  const name = `converting ${request.modelFile}`;
  return runLimited({
    ...LIMITS,
    script: script(),
    export: 'rewrite',
    name,
    input: request,
    signal,
  });
}
