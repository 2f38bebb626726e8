import type { LoadOptions } from '../../runtime.ts';
import { SPINNING_ENTRIES } from '../spinning.ts';
import { type OrtLibrary, taken } from './library.ts';
import { CUDA_OPTIONS, type ProviderOptions, tensorRtOptions } from './provider-options.ts';

/** ORT_ENABLE_ALL. */
const ALL_OPTIMIZATIONS = 99;
/** ORT_LOGGING_LEVEL_FATAL: what goes wrong comes back as a status. */
export const LOG_FATAL = 4;

/**
 * Makes session options, and hands them to `use` with the provider appended.
 *
 * @throws Error where the library has no such provider, or cannot load it
 */
export function withSessionOptions<T>(
  library: OrtLibrary,
  provider: string,
  load: LoadOptions,
  use: (options: bigint) => T,
): T {
  const { call, release } = library;
  const options = taken((cell) => call.CreateSessionOptions(cell));
  try {
    call.SetSessionGraphOptimizationLevel(options, ALL_OPTIMIZATIONS);
    call.SetSessionLogSeverityLevel(options, LOG_FATAL);
    call.SetIntraOpNumThreads(options, load.threads ?? 1);
    call.SetInterOpNumThreads(options, 1);
    if (load.lean) call.DisableMemPattern(options);
    for (const [key, value] of SPINNING_ENTRIES) call.AddSessionConfigEntry(options, key, value);
    appendProvider(library, options, provider, load);
    return use(options);
  } finally {
    release.SessionOptions(options);
  }
}

function appendProvider(
  library: OrtLibrary,
  options: bigint,
  provider: string,
  load: LoadOptions,
): void {
  if (provider === 'tensorrt') appendTensorRt(library, options, load);
  else if (provider === 'cuda') appendCuda(library, options);
  else if (provider !== 'cpu') {
    library.call.AppendProvider(options, NAMES[provider] ?? provider, [], [], 0);
  }
}

/** How SessionOptionsAppendExecutionProvider spells providers; it heeds upper and lower case. */
const NAMES: Readonly<Record<string, string>> = {
  openvino: 'OpenVINO',
  qnn: 'QNN',
  webgpu: 'WebGPU',
  xnnpack: 'XNNPACK',
};

/** TensorRT leaves what it cannot take to CUDA, where that is there. */
function appendTensorRt(library: OrtLibrary, options: bigint, load: LoadOptions): void {
  const { call, release } = library;
  const { options: base, timing } = tensorRtOptions(load);
  const provider = taken((cell) => call.CreateTensorRTProviderOptions(cell));
  try {
    const set = (wanted: ProviderOptions) =>
      call.UpdateTensorRTProviderOptions(provider, ...keysAndValues(wanted));
    try {
      set({ ...base, ...timing });
    } catch {
      set(base);
    }
    call.AppendTensorRT(options, provider);
  } finally {
    release.TensorRTProviderOptions(provider);
  }
  try {
    appendCuda(library, options);
  } catch {
    // the CPU takes what TensorRT leaves
  }
}

function appendCuda({ call, release }: OrtLibrary, options: bigint): void {
  const provider = taken((cell) => call.CreateCUDAProviderOptions(cell));
  try {
    call.UpdateCUDAProviderOptions(provider, ...keysAndValues(CUDA_OPTIONS));
    call.AppendCUDA(options, provider);
  } finally {
    release.CUDAProviderOptions(provider);
  }
}

function keysAndValues(options: ProviderOptions): [string[], string[], number] {
  const keys = Object.keys(options);
  return [keys, Object.values(options), keys.length];
}
