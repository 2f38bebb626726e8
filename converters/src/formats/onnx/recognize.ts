import { Unreadable } from './read-tensor.ts';

/** A file that is surely no ONNX model, and what to do instead of exporting it again. */
export class Foreign extends Unreadable {
  readonly advice: string;

  constructor(format: string, advice: string) {
    super(`it looks like ${format}`);
    this.advice = advice;
  }
}

const EXPORT = 'export the model as ONNX';
const GIVE = 'give the path of an ONNX file';

/** First bytes of formats that people mistake for ONNX: offset, signature, what it is, what to do. */
const SIGNATURES: readonly (readonly [number, string, string, string])[] = [
  [4, 'TFL3', 'a TensorFlow Lite model', EXPORT],
  [
    4,
    'ORTM',
    "a model in ONNX Runtime's own format (.ort)",
    'give the .onnx file it was made from',
  ],
  [0, '\x89PNG', 'a PNG image', GIVE],
  [0, '\xff\xd8\xff', 'a JPEG image', GIVE],
  [0, '\x89HDF', 'a Keras or HDF5 file', EXPORT],
  [0, 'PK\x03\x04', 'a ZIP archive, such as a PyTorch checkpoint', EXPORT],
  [0, '\x1f\x8b', 'a gzip archive', 'unpack it first'],
  [0, 'GGUF', 'a GGUF file', EXPORT],
  [0, 'version https://git-lfs', 'a Git LFS pointer', 'fetch the file itself'],
  [0, '\x80\x02', 'a Python pickle, such as a PyTorch checkpoint', EXPORT],
];

const HEAD_BYTES = 64;

/** What a file is by its first bytes, where it is surely not ONNX. */
export function foreignFormat(bytes: Uint8Array): Foreign | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD_BYTES));
  const found = SIGNATURES.find(([offset, signature]) => head.startsWith(signature, offset));
  return found && new Foreign(found[2], found[3]);
}

/** Says of a file that could not be read whether it begins as text does: no model is meant then. */
export function textFile(bytes: Uint8Array): Foreign | undefined {
  const head = new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES), { stream: true });
  const isText = head !== '' && !/[^\P{Cc}\t\n\r]|\ufffd/u.test(head);
  return isText ? new Foreign('a text file', GIVE) : undefined;
}
