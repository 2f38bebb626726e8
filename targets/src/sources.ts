/** Public documents that the profiles quote, title and address. */
export const SOURCES = {
  pi3: 'Raspberry Pi 3 Model B+ product brief, https://datasheets.raspberrypi.com/rpi3/raspberry-pi-3-b-plus-product-brief.pdf',
  pi4: 'Raspberry Pi 4 Model B datasheet, https://datasheets.raspberrypi.com/rpi4/raspberry-pi-4-datasheet.pdf',
  pi5: 'Raspberry Pi 5 product brief, https://datasheets.raspberrypi.com/rpi5/raspberry-pi-5-product-brief.pdf',
  a53: 'Arm Cortex-A53 MPCore Processor Technical Reference Manual, https://developer.arm.com/documentation/ddi0500/latest',
  a72: 'Arm Cortex-A72 MPCore Processor Technical Reference Manual, https://developer.arm.com/documentation/100095/latest',
  a76: 'Arm Cortex-A76 Core Technical Reference Manual (dot product), https://developer.arm.com/documentation/100798/latest',
  jetsonNano: 'Jetson Nano Module, https://developer.nvidia.com/embedded/jetson-nano',
  jetsonXavier:
    'Jetson Xavier NX Series, https://www.nvidia.com/en-us/autonomous-machines/embedded-systems/jetson-xavier-series/',
  jetsonOrin:
    'Jetson Orin, https://www.nvidia.com/en-us/autonomous-machines/embedded-systems/jetson-orin/',
  jetpack4: 'JetPack SDK 4.6 archive, https://developer.nvidia.com/embedded/jetpack-sdk-46',
  jetpack5: 'JetPack SDK 5.1 archive, https://developer.nvidia.com/embedded/jetpack-sdk-51',
  jetpack6: 'JetPack SDK 6 archive, https://developer.nvidia.com/embedded/jetpack',
  tensorRtQuantization:
    'TensorRT Developer Guide, Working with Quantized Types, https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html',
  tensorRtSupport:
    'TensorRT Support Matrix (precision by compute capability), https://docs.nvidia.com/deeplearning/tensorrt/latest/getting-started/support-matrix.html',
  ortQuantization:
    'ONNX Runtime, Quantize ONNX models, https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html',
  ortCompatibility:
    'ONNX Runtime, Compatibility (opset by version), https://onnxruntime.ai/docs/reference/compatibility.html',
  ortWeb:
    'ONNX Runtime Web, performance and providers, https://onnxruntime.ai/docs/tutorials/web/performance-diagnosis.html',
  ortWebGpu:
    'ONNX Runtime, WebGPU execution provider, https://onnxruntime.ai/docs/tutorials/web/ep-webgpu.html',
  intelVnni:
    'Intel 64 and IA-32 Architectures Software Developer Manual, VPDPBUSD and VPMADDUBSW, https://www.intel.com/content/www/us/en/developer/articles/technical/intel-sdm.html',
  wasmMemory: 'WebAssembly Core Specification, memories, https://webassembly.github.io/spec/core/',
  tfliteQuantization:
    'LiteRT 8-bit quantization specification, https://ai.google.dev/edge/litert/models/quantization_spec',
  xnnpack: 'XNNPACK, https://github.com/google/XNNPACK',
} as const;
