/** First bytes of formats that people mistake for ONNX: offset, signature, what it is. */
const SIGNATURES: readonly (readonly [number, string, string])[] = [
  [4, 'TFL3', 'a TensorFlow Lite model'],
  [4, 'ORTM', "a model in ONNX Runtime's own format (.ort): give the .onnx file it was made from"],
  [0, '\x89PNG', 'a PNG image'],
  [0, '\xff\xd8\xff', 'a JPEG image'],
  [0, '\x89HDF', 'a Keras or HDF5 file'],
  [0, 'PK\x03\x04', 'a ZIP archive, such as a PyTorch checkpoint'],
  [0, '\x1f\x8b', 'a gzip archive: unpack it first'],
  [0, 'GGUF', 'a GGUF file'],
  [0, 'version https://git-lfs', 'a Git LFS pointer: fetch the file itself'],
  [0, '\x80\x02', 'a Python pickle, such as a PyTorch checkpoint'],
];

/** What a file is by its first bytes, where it is surely not ONNX. */
export function foreignFormat(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 64));
  return SIGNATURES.find(([offset, signature]) => head.startsWith(signature, offset))?.[2];
}
