import { fileURLToPath } from 'node:url';

/** The library of Node's package stands for one that the device has. */
export const DEVICE_LIBRARY = fileURLToPath(
  new URL(
    `bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`,
    import.meta.resolve('onnxruntime-node/package.json'),
  ),
);
