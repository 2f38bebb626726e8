/** Name of the device's own ONNX Runtime among the runtimes of a device. */
export const DEVICE_ORT = 'onnxruntime-device';
