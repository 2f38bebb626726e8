import { optionOf } from './options.ts';
import { refused, usage } from './row.ts';

/** What a message adds where names like the one that was given are known; nothing where none is. */
function closeTo(names: string): string {
  return names && ` (close: ${names})`;
}

/** Models, model specs, data folders, optimization. */
export const MODEL_ERRORS = {
  'bench.invalid': usage(
    (c: { field: string; most: number }) =>
      `nothing can be measured: --${c.field} must be a whole number from 1 to ${c.most}`,
  ),
  'compare.inputs-differ': usage(
    (c: { a: string; takes: string; b: string; other: string }) =>
      `${c.a} takes ${c.takes}, and ${c.b} takes ${c.other}: give two models that take the same inputs`,
  ),
  'convert.measurements-invalid': usage(
    (c: { file: string; reason: string }) =>
      `${c.file} holds no measurements: ${c.reason}; give what flotilla bench --json printed on a device`,
  ),
  'convert.recipe-invalid': usage(
    (c: { file: string; reason: string }) =>
      `${c.file} is not a recipe: ${c.reason}; give one that was written beside a bundle`,
  ),
  'convert.request-invalid': usage(
    (c: { field: string; reason: string }) =>
      `the conversion cannot begin: ${optionOf(c.field)} ${c.reason}`,
  ),
  'convert.differs': refused(
    500,
    (c: { output: string; difference: string }) =>
      `the model written gives other results than the one read (output ${JSON.stringify(c.output)}: ${c.difference} of its largest value): find the pass with --passes and report it with the model`,
  ),
  'cut.impossible': refused(
    422,
    (c: { value: string; reason: string }) =>
      `the model cannot be cut at ${JSON.stringify(c.value)}: ${c.reason}: name another value`,
  ),
  'cut.unknown': usage(
    (c: { value: string; close: string }) =>
      `the model cannot be cut at ${JSON.stringify(c.value)}: it has no such value${closeTo(c.close)}`,
  ),
  'data.empty': usage(
    (c: { folder: string; reason: string }) =>
      `${c.folder}: ${c.reason}; give a folder of images, or of .npy or .npz arrays`,
  ),
  'data.invalid': refused(
    422,
    (c: { file: string; reason: string }) =>
      `${c.file} cannot be used as data: ${c.reason}; repair or remove it`,
  ),
  'data.too-few': usage(
    (c: { folder: string; samples: number; least: number }) =>
      `${c.folder}: ${c.samples} ${c.samples === 1 ? 'sample is' : 'samples are'} left to calibrate with, and ${c.least} are the least: add some`,
  ),
  'data.images': usage(
    (c: { file: string; input: string; feeds: string; files: string }) =>
      `${c.file} is an image, and the spec feeds ${JSON.stringify(c.input)} with ${c.feeds}: give ${c.files} files, or say in the spec that it is an image`,
  ),
  'data.unreadable': usage(
    (c: { path: string; reason: string }) =>
      `${c.path} cannot be read (${c.reason}): let this user read it, or give another folder`,
  ),
  'model.is-folder': usage(
    (c: { folder: string }) => `${c.folder} is a folder: give the path of the ONNX file in it`,
  ),
  'model.not-found': usage(
    (c: { file: string }) => `no model at ${c.file}: give the path of an ONNX file`,
  ),
  'model.not-onnx': refused(
    422,
    (c: { file: string; reason: string; advice?: string | undefined }) =>
      `${c.file} is not a readable ONNX model (${c.reason}): ${c.advice ?? 'export it again or check that the copy is whole'}`,
  ),
  'model.graph-invalid': refused(
    422,
    (c: { graph: string; reason: string }) =>
      `graph ${JSON.stringify(c.graph)} is not valid: ${c.reason}: export the model again or check it with onnx.checker`,
  ),
  'model.opset-unsupported': refused(
    422,
    (c: { node: string; op: string; from: number; to: number; reason: string }) =>
      `node ${JSON.stringify(c.node)} (${c.op}) cannot be brought from opset ${c.from} to ${c.to}: ${c.reason}: export the model at opset ${c.to} or above`,
  ),
  'model.pass-failed': refused(
    500,
    (c: { pass: string; reason: string; before: string }) =>
      `pass ${c.pass} ${c.reason} (passes before it: ${c.before}): report this with the model`,
  ),
  'model.refused': refused(
    422,
    (c: { file: string; reason: string }) =>
      `the runtime refuses ${c.file}: ${c.reason}; export it again or for an older opset`,
  ),
  'model.too-large': refused(
    422,
    (c: { graph: string; bytes: number; most: number }) =>
      `graph ${JSON.stringify(c.graph)} takes ${c.bytes} bytes, and a model in one piece ends at ${c.most}: write it with its weights in a file beside it`,
  ),
  'pass.keep-unknown': usage(
    (c: { name: string; close: string }) =>
      `nothing in the model is named ${JSON.stringify(c.name)}, which is to be kept: name a node or a value${closeTo(c.close)}`,
  ),
  'pass.unknown': usage(
    (c: { pass: string; known: string }) =>
      `pass ${JSON.stringify(c.pass)} is not known: use one of ${c.known}, or one after "-" to leave it out`,
  ),
  'quantize.impossible': refused(
    422,
    (c: { precision: string; reason: string }) =>
      `the model cannot be quantized to ${c.precision}: ${c.reason}; ask for another precision`,
  ),
  'quantize.float-unknown': usage(
    (c: { node: string; close: string }) =>
      `no node of the model is named ${JSON.stringify(c.node)} after the passes, and it is to stay in floating point: name a node${closeTo(c.close)}`,
  ),
  'shape.unfit': usage(
    (c: { name: string; reason: string }) =>
      `${JSON.stringify(c.name)} cannot be fixed: ${c.reason}`,
  ),
  'spec.invalid': refused(
    422,
    (c: { file: string; where: string; reason: string }) => `${c.file}: ${c.where} ${c.reason}`,
  ),
  'target.unknown': usage(
    (c: { target: string; known: string }) =>
      `target ${JSON.stringify(c.target)} is not known: use one of ${c.known}`,
  ),
} as const;
