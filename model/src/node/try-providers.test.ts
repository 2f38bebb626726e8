import { describe, expect, test } from 'vitest';
import { reasonOf } from './try-providers.ts';

describe("a reason out of the library's words", () => {
  const SOURCE = '/onnxruntime_src/onnxruntime/core';

  test.each([
    [
      `${SOURCE}/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library /usr/lib/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file\n`,
      'Failed to load library /usr/lib/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file',
    ],
    [
      `${SOURCE}/providers/cuda/info.cc:63 static onnxruntime::Info onnxruntime::Info::From(const onnxruntime::ProviderOptions&) [ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse provider option "device_id": CUDA failure 36: API call is not supported ; GPU=-1 ; hostname=vm ; file=${SOURCE}/info.cc ; line=70 ; expr=cudaGetDeviceCount(&num_devices); \n`,
      'Failed to parse provider option "device_id": CUDA failure 36: API call is not supported',
    ],
    [
      'XNNPACK execution provider is not supported in this build. ',
      'XNNPACK execution provider is not supported in this build',
    ],
  ])('keeps what a person can use', (message, reason) => {
    expect(reasonOf(new Error(message))).toBe(reason);
  });

  test('ends somewhere', () => {
    expect(reasonOf('x'.repeat(1000))).toHaveLength(300);
  });
});
