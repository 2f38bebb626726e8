import { fileURLToPath } from 'node:url';

/** The library of ONNX Runtime that comes with Node's package: stands for one that a device has. */
export const bundledLibrary = (): string =>
  fileURLToPath(
    new URL(
      `bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`,
      import.meta.resolve('onnxruntime-node/package.json'),
    ),
  );
