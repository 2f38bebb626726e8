import type { LoadOptions } from '../../runtime.ts';

export type ProviderOptions = Readonly<Record<string, string>>;

/** Precisions in which TensorRT may compute for a model, beside fp32. */
const NARROWER: Readonly<Record<string, readonly ('fp16' | 'int8')[]>> = {
  fp16: ['fp16'],
  int8: ['int8', 'fp16'],
  mixed: ['int8', 'fp16'],
};

/**
 * Options for TensorRT (onnxruntime.ai, TensorRT execution provider), in two parts: releases before
 * 1.17 do not know all of the second. Integers only for models that carry their own scales, since no
 * calibration is given here.
 */
export function tensorRtOptions({ precision = '', cacheFolder }: LoadOptions): {
  readonly options: ProviderOptions;
  readonly timing: ProviderOptions;
} {
  const narrower = NARROWER[precision] ?? [];
  const flags = Object.fromEntries(narrower.map((name) => [`trt_${name}_enable`, '1']));
  if (cacheFolder === undefined) return { options: { device_id: '0', ...flags }, timing: {} };
  return {
    options: {
      device_id: '0',
      ...flags,
      trt_engine_cache_enable: '1',
      trt_engine_cache_path: cacheFolder,
    },
    timing: { trt_timing_cache_enable: '1', trt_timing_cache_path: cacheFolder },
  };
}

/** Heuristic choice of kernels: exhaustive search takes minutes on a Jetson at the first run. */
export const CUDA_OPTIONS: ProviderOptions = {
  device_id: '0',
  cudnn_conv_algo_search: 'HEURISTIC',
  arena_extend_strategy: 'kSameAsRequested',
};
