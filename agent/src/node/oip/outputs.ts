import { numbersOf, type Prediction, type Tensor } from '@flotilla/model';

declare global {
  interface JSON {
    /** Number text that is written as it is (ECMAScript, JSON.parse source text access). */
    rawJSON(text: string): unknown;
  }
}

/** One output of a response, in either form. */
export interface Output {
  /** Undefined for texts. */
  readonly tensor: Tensor | undefined;
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  json(): unknown[];
  binary(): Uint8Array;
}

export function tensorOutput(name: string, tensor: Tensor): Output {
  const { type: datatype, shape, data } = tensor;
  return {
    tensor,
    name,
    datatype,
    shape,
    json: () => {
      // numbers of JavaScript hold 53 bits
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
        return Array.from(data, (value) => JSON.rawJSON(String(value)));
      }
      const values = Array.from(numbersOf(tensor));
      return datatype === 'BOOL' ? values.map((value) => value !== 0) : values;
    },
    binary: () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

export function textOutput(
  name: string,
  texts: readonly string[],
  shape: readonly number[] = [texts.length],
): Output {
  return {
    tensor: undefined,
    name,
    datatype: 'BYTES',
    shape,
    json: () => [...texts],
    binary: () =>
      Buffer.concat(
        texts.flatMap((text) => {
          const bytes = Buffer.from(text);
          const length = Buffer.alloc(4);
          length.writeUInt32LE(bytes.length);
          return [length, bytes];
        }),
      ),
  };
}

type Kind = Prediction['kind'];
type Of<K extends Kind> = Extract<Prediction, { kind: K }>;

/** What predictions of each kind give; never called without one. */
const WRITERS: { readonly [K in Kind]: (predictions: readonly Of<K>[]) => Output[] } = {
  classification: classes,
  detection(predictions) {
    const all = predictions.flatMap(({ detections }) => detections);
    const boxes = all.flatMap(({ box }) => [box.left, box.top, box.right, box.bottom]);
    const samples = predictions.flatMap(({ detections }, i) => detections.map(() => i));
    return [
      ...classes(all),
      float32('box', [all.length, 4], boxes),
      tensorOutput('sample', {
        type: 'INT32',
        shape: [all.length],
        data: Int32Array.from(samples),
      }),
    ];
  },
  regression(predictions) {
    const [first] = predictions;
    const values = predictions.flatMap((one) => Array.from(one.values));
    const shape = [predictions.length, first?.values.length ?? 0];
    return [
      tensorOutput('value', { type: 'FP64', shape, data: Float64Array.from(values) }),
      ...(first?.names ? [textOutput('value_name', first.names)] : []),
      ...(first?.units ? [textOutput('unit', first.units)] : []),
    ];
  },
  anomaly(predictions) {
    const shape = [predictions.length];
    const flags = Uint8Array.from(predictions, ({ anomalous }) => (anomalous ? 1 : 0));
    return [
      float32(
        'anomaly_score',
        shape,
        predictions.map(({ score }) => score),
      ),
      tensorOutput('anomalous', { type: 'BOOL', shape, data: flags }),
    ];
  },
  embedding(predictions) {
    const values = predictions.flatMap(({ vector }) => Array.from(vector));
    const shape = [predictions.length, predictions[0]?.vector.length ?? 0];
    return [float32('embedding', shape, values)];
  },
  raw: () => [],
};

/** What predictions give beside the tensors of the model. */
export function predictionOutputs(predictions: readonly Prediction[]): Output[] {
  const write = <K extends Kind>(kind: K): Output[] => {
    const own = predictions.filter((one): one is Of<K> => one.kind === kind);
    return own.length === 0 ? [] : WRITERS[kind](own);
  };
  return (Object.keys(WRITERS) as Kind[]).flatMap((kind) => write(kind));
}

interface Classified {
  readonly index: number;
  readonly label: string;
  readonly confidence: number;
}

function classes(all: readonly Classified[]): Output[] {
  const shape = [all.length];
  const indices = Int32Array.from(all, ({ index }) => index);
  return [
    tensorOutput('class_index', { type: 'INT32', shape, data: indices }),
    float32(
      'confidence',
      shape,
      all.map(({ confidence }) => confidence),
    ),
    textOutput(
      'label',
      all.map(({ label }) => label),
    ),
  ];
}

function float32(name: string, shape: readonly number[], values: readonly number[]): Output {
  return tensorOutput(name, { type: 'FP32', shape, data: Float32Array.from(values) });
}
