/** onnxruntime-node alone behind a thread: what any library around it has to be measured by. */
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const session = await InferenceSession.create(workerData as Uint8Array, {
  graphOptimizationLevel: 'all',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
});
const [name = ''] = session.inputNames;
parentPort?.on('message', async (data: Float32Array) => {
  const outputs = await session.run({ [name]: new Tensor('float32', data, [1, 3, 96, 96]) });
  const answers = Object.values(outputs).map((output) => (output as Tensor).data as Float32Array);
  const copies = answers.map((answer) => answer.slice());
  parentPort?.postMessage(
    copies,
    copies.map(({ buffer }) => buffer),
  );
});
parentPort?.postMessage('ready');
