import type { Runtime } from '../../runtime.ts';
import { onThreads } from '../worker-runtime.ts';
import { DEVICE_ORT } from './name.ts';
import type { LibraryFacts } from './runtime.ts';

/** The device's own ONNX Runtime with one thread for each session. */
export function deviceOrtWorker({ path, ...facts }: LibraryFacts): Runtime {
  const named = { ...facts, name: DEVICE_ORT, runs: 'onnxruntime' as const };
  return onThreads(named, { kind: 'onnxruntime-device', library: path });
}
