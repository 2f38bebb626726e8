import { numbersOf, type Prediction, type Tensors } from '@flotilla/model';
import type { Inference } from '../../core/index.ts';
import type { Item } from './inlet.ts';
import { tenths } from './tally.ts';

/** Numbers of one raw output that a result carries; what is longer is cut, and says so. */
const MOST_NUMBERS = 256;
const MOST_OF_VECTOR = 4096;
const MOST_DETECTIONS = 300;

/** What a flow sends to its sinks, as JSON. */
export interface FlowRecord {
  /** Unique in all flows and starts: receivers know by it what they have already. */
  readonly id: string;
  readonly flow: string;
  /** When the item was whole, ISO 8601. */
  readonly at: string;
  /** File, topic or row. */
  readonly source?: string;
  readonly model: { readonly name: string; readonly version: number };
  /** How old the item was when it was taken for inference. */
  readonly ageMs: number;
  readonly latencyMs: number;
  readonly prediction: unknown;
}

export interface RecordOptions {
  readonly id: string;
  readonly flow: string;
  readonly item: Item;
  readonly inference: Inference;
  /** Those of the inference that are sent on. */
  readonly predictions: readonly Prediction[];
  readonly ageMs: number;
}

/** One record for what was inferred on one item. */
export function recordOf(options: RecordOptions): FlowRecord {
  const { id, flow, item, inference, predictions, ageMs } = options;
  const { installed, latencyUs } = inference;
  const told = predictions.map(tell);
  return {
    id,
    flow,
    at: new Date(item.atMs).toISOString(),
    ...(item.label === '' ? {} : { source: item.label }),
    model: { name: installed.model, version: installed.version },
    ageMs: tenths(ageMs),
    latencyMs: tenths(latencyUs / 1000),
    prediction: told.length === 1 ? told[0] : told,
  };
}

function tell(prediction: Prediction) {
  switch (prediction.kind) {
    case 'classification': {
      const { kind, label, index, confidence, top } = prediction;
      return { kind, label, index, confidence, top };
    }
    case 'detection': {
      const { kind, image, detections } = prediction;
      const cut = detections.length > MOST_DETECTIONS ? { cut: true } : {};
      return { kind, image, detections: detections.slice(0, MOST_DETECTIONS), ...cut };
    }
    case 'regression': {
      const { kind, names, units, values } = prediction;
      return { kind, names, units, ...numbersIn(values) };
    }
    case 'anomaly':
      return prediction;
    case 'embedding':
      return { kind: prediction.kind, ...numbersIn(prediction.vector, MOST_OF_VECTOR) };
    case 'raw':
      return { kind: prediction.kind, outputs: tellTensors(prediction.tensors) };
  }
}

const tellTensors = (tensors: Tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { type: tensor.type, shape: tensor.shape, ...numbersIn(numbersOf(tensor)) },
    ]),
  );

/** JSON has no NaN and no infinity: null stands for them. */
function numbersIn(numbers: Float32Array | Float64Array, most = MOST_NUMBERS) {
  const values = Array.from(numbers.subarray(0, most), (n) => (Number.isFinite(n) ? n : null));
  return { values, ...(numbers.length > most ? { cut: true } : {}) };
}
