import type { RelativeCost } from './profile.ts';

/**
 * Time relative to fp32 by kind of node. x86 and WASM were measured with ONNX Runtime 1.30 on one
 * thread (AVX512-VNNI); the rest is read from vendors' peak rates and published benchmarks and
 * only ranks candidates until a device reports its own measurement.
 */
const X86_VNNI: RelativeCost = {
  int8: { conv: 0.33, pointwise: 0.55, depthwise: 1.1, matmul: 0.21, other: 1 },
  'int8-dynamic': { conv: 4, pointwise: 4, depthwise: 4, matmul: 0.2, other: 1 },
  int4: { conv: 1, pointwise: 1, depthwise: 1, matmul: 0.2, other: 1 },
  fp16: { conv: 1.05, pointwise: 1.05, depthwise: 1.05, matmul: 1.05, other: 1.05 },
};

/** Cortex-A53 and A72 lack the dot product: int8 gains little. */
const ARM_V8_0: RelativeCost = {
  int8: { conv: 0.85, pointwise: 0.85, depthwise: 1, matmul: 0.8, other: 1 },
  'int8-dynamic': { conv: 2, pointwise: 2, depthwise: 2, matmul: 0.8, other: 1 },
  int4: { conv: 1, pointwise: 1, depthwise: 1, matmul: 0.8, other: 1 },
  fp16: { conv: 1.05, pointwise: 1.05, depthwise: 1.05, matmul: 1.05, other: 1.05 },
};

/** Cortex-A76 has the dot product (Armv8.2-A DotProd). */
const ARM_V8_2: RelativeCost = {
  int8: { conv: 0.4, pointwise: 0.45, depthwise: 0.95, matmul: 0.35, other: 1 },
  'int8-dynamic': { conv: 2, pointwise: 2, depthwise: 2, matmul: 0.4, other: 1 },
  int4: { conv: 1, pointwise: 1, depthwise: 1, matmul: 0.35, other: 1 },
  fp16: { conv: 1.05, pointwise: 1.05, depthwise: 1.05, matmul: 1.05, other: 1.05 },
};

/** Maxwell computes fp16 at twice the rate of fp32 and has no int8 tensor path. */
const MAXWELL: RelativeCost = {
  fp16: { conv: 0.55, pointwise: 0.6, depthwise: 0.7, matmul: 0.55, other: 0.7 },
};

const TENSOR_CORES: RelativeCost = {
  int8: { conv: 0.2, pointwise: 0.25, depthwise: 0.6, matmul: 0.2, other: 0.7 },
  fp16: { conv: 0.3, pointwise: 0.35, depthwise: 0.6, matmul: 0.3, other: 0.6 },
};

/** Depthwise int8 is five times slower than fp32 here. */
const WASM: RelativeCost = {
  int8: { conv: 0.57, pointwise: 1.25, depthwise: 5, matmul: 0.6, other: 1 },
  'int8-dynamic': { conv: 4, pointwise: 4, depthwise: 5, matmul: 0.7, other: 1 },
};

const WEBGPU: RelativeCost = {
  fp16: { conv: 0.6, pointwise: 0.6, depthwise: 0.7, matmul: 0.6, other: 0.7 },
  int4: { conv: 1, pointwise: 1, depthwise: 1, matmul: 0.5, other: 1 },
};

const XNNPACK: RelativeCost = {
  int8: { conv: 0.5, pointwise: 0.5, depthwise: 0.6, matmul: 0.5, other: 1 },
  fp16: { conv: 0.6, pointwise: 0.6, depthwise: 0.6, matmul: 0.6, other: 0.7 },
};

export const COST = {
  X86_VNNI,
  ARM_V8_0,
  ARM_V8_2,
  MAXWELL,
  TENSOR_CORES,
  WASM,
  WEBGPU,
  XNNPACK,
} as const;
