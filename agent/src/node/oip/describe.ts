/** What a model is, in the words of the protocol and of Triton's model configuration. */
import type { ElementType, TensorInfo } from '@flotilla/model';
import type { LoadedModel } from '../../core/index.ts';

/** Names of Triton's backends, with the format that each takes. */
const PLATFORMS: Readonly<Record<string, { readonly platform: string; readonly backend: string }>> =
  {
    onnxruntime: { platform: 'onnxruntime_onnx', backend: 'onnxruntime' },
    tflite: { platform: 'tflite', backend: 'tflite' },
  };

/** Model metadata (Open Inference Protocol v2). */
export function metadataOf(slot: string, { installed, bundle, inputs, outputs }: LoadedModel) {
  const tensor = ({ name, type, shape }: TensorInfo) => ({ name, datatype: type, shape });
  return {
    name: slot,
    versions: [String(installed.version)],
    platform: platformOf(bundle.config.runtime.name).platform,
    inputs: inputs.map(tensor),
    outputs: outputs.map(tensor),
  };
}

/**
 * Model configuration (Triton, model_config.proto). Where requests are joined, `max_batch_size` tells
 * how many, and `dims` leaves the first dimension out.
 */
export function configurationOf(slot: string, model: LoadedModel) {
  const { installed, bundle, inputs, outputs, maxBatch, session } = model;
  const joins = maxBatch > 1;
  const tensor = ({ name, type, shape }: TensorInfo) => ({
    name,
    data_type: CONFIG_TYPES[type],
    dims: joins ? shape.slice(1) : shape,
  });
  const kind = session.provider === 'cpu' ? 'KIND_CPU' : 'KIND_GPU';
  return {
    name: slot,
    ...platformOf(bundle.config.runtime.name),
    version_policy: { specific: { versions: [installed.version] } },
    max_batch_size: joins ? maxBatch : 0,
    input: inputs.map(tensor),
    output: outputs.map(tensor),
    instance_group: [{ name: slot, kind, count: 1 }],
    ...(joins ? { dynamic_batching: {} } : {}),
    parameters: {
      precision: { string_value: installed.precision },
      runtime: { string_value: session.runtime },
      provider: { string_value: session.provider },
      digest: { string_value: installed.digest },
    },
  };
}

const platformOf = (runtime: string) =>
  PLATFORMS[runtime] ?? { platform: runtime, backend: runtime };

const CONFIG_TYPES = {
  FP32: 'TYPE_FP32',
  FP16: 'TYPE_FP16',
  FP64: 'TYPE_FP64',
  INT8: 'TYPE_INT8',
  UINT8: 'TYPE_UINT8',
  INT16: 'TYPE_INT16',
  UINT16: 'TYPE_UINT16',
  INT32: 'TYPE_INT32',
  UINT32: 'TYPE_UINT32',
  INT64: 'TYPE_INT64',
  UINT64: 'TYPE_UINT64',
  BOOL: 'TYPE_BOOL',
} as const satisfies Record<ElementType, string>;
