import type { QdqForm } from './profile.ts';

/**
 * Asymmetric uint8 activations, per-channel int8 weights: the form that ONNX Runtime's CPU
 * provider fuses to integer convolutions, because Relu is absorbed when the zero point sits at
 * the bottom of the range.
 */
const U8S8: QdqForm = {
  activation: 'uint8',
  weight: 'int8',
  perChannel: true,
  symmetricActivations: false,
  reduceRange: false,
  quantizeBias: true,
  quantizeOutputs: true,
  residualAddInputs: true,
  depthwise: true,
  padChannels: false,
};

/** U8S8 for kernels that are slower than fp32 on depthwise convolutions. */
const U8S8_DENSE: QdqForm = { ...U8S8, depthwise: false };

/** TensorRT takes only symmetric int8 and reads bias in fp32 (explicit quantization). */
const TENSORRT: QdqForm = {
  activation: 'int8',
  weight: 'int8',
  perChannel: true,
  symmetricActivations: true,
  reduceRange: false,
  quantizeBias: false,
  quantizeOutputs: false,
  residualAddInputs: true,
  depthwise: true,
  padChannels: false,
};

/** LiteRT's specification: asymmetric int8 activations, symmetric per-channel weights, int32 bias. */
const LITERT: QdqForm = { ...U8S8, activation: 'int8' };

export const QDQ = { U8S8, U8S8_DENSE, TENSORRT, LITERT } as const;
