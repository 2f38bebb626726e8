/**
 * Times pre- and postprocessing without a model: `npm run bench:signals [-- --json]`. Each figure is
 * the mean of 200 calls after 50 to warm up, in ms of processor time: other work hardly shows.
 */
import { createPipeline, type Pipeline, parseSpec, type Tensor } from '@flotilla/model';

const CALLS = 200;
const WARM = 50;

function pipelineOf(body: string, shape: readonly number[]): Pipeline {
  return createPipeline(parseSpec(`schema: 1\nname: bench\n${body}`, 'bench'), {
    labels: undefined,
    inputs: [{ name: 'x', type: 'FP32', shape }],
    decoder: { decode: () => Promise.reject(new Error('there are no images')) },
  });
}

/** Mean processor time of a call, ms. */
async function mean(call: () => unknown): Promise<number> {
  for (let i = 0; i < WARM; i++) await call();
  const began = process.threadCpuUsage();
  for (let i = 0; i < CALLS; i++) await call();
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / 1000 / CALLS;
}

/** A float WAV file of one second. */
function wav(sampleRate: number): Uint8Array {
  const bytes = new Uint8Array(44 + 4 * sampleRate);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('RIFF....WAVEfmt '));
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  bytes.set(new TextEncoder().encode('data'), 36);
  view.setUint32(40, 4 * sampleRate, true);
  for (let i = 0; i < sampleRate; i++) view.setFloat32(44 + 4 * i, Math.sin(i * i * 1e-4), true);
  return bytes;
}

const audio = (features: string) =>
  `inputs: {x: {audio: {sampleRate: 16000, seconds: 1, ${features}}}}\noutputs: {raw: {}}`;
const LOG_MEL = 'features: logMel, frames: {frameMs: 25, hopMs: 10}, mel: {bins: 40}';

/** Scores of 8,400 boxes and 80 classes, as YOLOv8 gives them, of which a share is likely. */
function scene(share: number): Tensor {
  const [boxes, classes] = [8400, 80];
  const data = new Float32Array((4 + classes) * boxes);
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < boxes; i++) {
    for (const [row, size] of [640, 640, 80, 80].entries()) data[row * boxes + i] = random() * size;
    for (let c = 0; c < classes; c++) data[(4 + c) * boxes + i] = random() * 0.2;
    if (random() < share) {
      data[(4 + Math.floor(random() * classes)) * boxes + i] = 0.3 + 0.7 * random();
    }
  }
  return { type: 'FP32', shape: [1, 4 + classes, boxes], data };
}

const logMel = pipelineOf(audio(LOG_MEL), [1, 98, 40]);
const waveform = pipelineOf(audio('features: waveform'), [1, 16_000]);
const detector = pipelineOf(
  'inputs: {x: {image: {resize: {mode: letterbox, size: 640}}}}\noutputs: {detection: {tensor: y, layout: columns, format: cxcywh}}',
  [1, 3, 640, 640],
);
const [atRate, higher] = [wav(16_000), wav(44_100)];
const [sparse, dense] = [scene(0.01), scene(1)];
const prepared = { tensors: {}, placements: [] };

const figures = {
  logMelMs: await mean(() => logMel.preprocess({ x: atRate })),
  resampleMs: await mean(() => waveform.preprocess({ x: higher })),
  detectionMs: await mean(() => detector.postprocess({ y: sparse }, prepared)),
  detectionCrowdedMs: await mean(() => detector.postprocess({ y: dense }, prepared)),
};
const rounded = Object.entries(figures).map(([name, ms]) => [name, Number(ms.toFixed(2))]);
if (process.argv.includes('--json')) console.log(JSON.stringify(Object.fromEntries(rounded)));
else for (const [name, ms] of rounded) console.log(`${name}  ${ms} ms`);
