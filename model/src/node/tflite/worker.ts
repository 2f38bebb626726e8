import type { Runtime } from '../../runtime.ts';
import { onThreads } from '../worker-runtime.ts';
import { tfliteFacts } from './runtime.ts';

/** TFLite with one thread for each session. */
export const tfliteWorker = (): Runtime => onThreads(tfliteFacts(), { kind: 'tflite' });
