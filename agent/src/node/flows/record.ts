import { numbersOf, type Prediction, type Tensors } from '@flotilla/model';
import type { Inference } from '../../core/index.ts';
import type { Item } from './inlet.ts';

/** Numbers of one raw output that a result carries; what is longer is cut, and says so. */
const MOST_NUMBERS = 256;

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
  readonly ageMs: number;
}

/** One record for what was inferred on one item. */
export function recordOf({ id, flow, item, inference, ageMs }: RecordOptions): FlowRecord {
  const { installed, latencyUs, predictions } = inference;
  const told = predictions.map(tell);
  return {
    id,
    flow,
    at: new Date(item.atMs).toISOString(),
    ...(item.label === '' ? {} : { source: item.label }),
    model: { name: installed.model, version: installed.version },
    ageMs: round(ageMs),
    latencyMs: round(latencyUs / 1000),
    prediction: told.length === 1 ? told[0] : told,
  };
}

function tell(prediction: Prediction) {
  switch (prediction.kind) {
    case 'classification': {
      const { kind, index, label, confidence, top } = prediction;
      return { kind, label, index, confidence, top };
    }
    case 'raw':
      return { kind: prediction.kind, outputs: tellTensors(prediction.tensors) };
  }
}

const tellTensors = (tensors: Tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const numbers = numbersOf(tensor);
      const data = Array.from(numbers.subarray(0, MOST_NUMBERS), (n) =>
        Number.isFinite(n) ? n : null,
      );
      const cut = numbers.length > MOST_NUMBERS ? { cut: true } : {};
      return [name, { type: tensor.type, shape: tensor.shape, data, ...cut }];
    }),
  );

const round = (value: number): number => Math.round(value * 10) / 10;
