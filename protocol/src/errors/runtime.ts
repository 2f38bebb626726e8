import { refused, transient, usage } from './row.ts';

/** Images, tensors, runtimes, and the limited child processes that untrusted models run in. */
export const RUNTIME_ERRORS = {
  'audio.undecodable': refused(
    422,
    (c: { where: string; reason: string }) =>
      `${c.where} does not decode as sound (${c.reason}): send a WAV file that does`,
  ),
  'child.aborted': refused(499, (c: { task: string }) => `${c.task} was stopped on request`),
  'child.crashed': refused(
    422,
    (c: { task: string; signal: string; detail: string }) =>
      `${c.task} crashed (${c.signal})${c.detail && `: ${c.detail}`}; the model makes the runtime abort, so check how it was exported`,
  ),
  'child.failed': refused(
    500,
    (c: { task: string; reason: string }) => `${c.task} failed: ${c.reason}`,
  ),
  'child.out-of-memory': refused(
    422,
    (c: { task: string; limitMiB: number }) =>
      `${c.task} needs more than its limit of ${c.limitMiB} MiB of memory: raise the limit or use a smaller model`,
  ),
  'child.timeout': refused(
    422,
    (c: { task: string; seconds: number }) =>
      `${c.task} was stopped after its limit of ${c.seconds} s: raise the limit or use a smaller model`,
  ),
  'golden.invalid': refused(
    422,
    (c: { reason: string }) =>
      `golden inputs and outputs cannot be read: ${c.reason}; make the bundle again`,
  ),
  'image.too-large': refused(
    413,
    (c: { where: string; megapixels: number; limit: number }) =>
      `${c.where}: the image has ${c.megapixels} megapixels, more than the ${c.limit} that are decoded: send a smaller one`,
  ),
  'image.undecodable': refused(
    422,
    (c: { where: string; reason: string }) =>
      `${c.where} does not decode as an image (${c.reason}): replace or remove it`,
  ),
  'labels.invalid': refused(
    422,
    (c: { file: string; reason: string }) =>
      `labels ${c.file}: ${c.reason}; write one label a line, in the order of the classes`,
  ),
  'profile.invalid': refused(
    422,
    (c: { reason: string }) =>
      `the reference profile cannot be read: ${c.reason}; make the bundle again`,
  ),
  'runtime.died': transient(
    503,
    (c: { reason: string }) =>
      `the thread that ran the model ended (${c.reason}): load the model again`,
  ),
  'runtime.library-unusable': refused(
    422,
    (c: { path: string; reason: string }) =>
      `${c.path} cannot be used as the device's ONNX Runtime (${c.reason}): name another with --ort-library, or none`,
  ),
  'runtime.load-failed': refused(
    422,
    (c: { reason: string }) =>
      `the runtime refuses the model: ${c.reason}; export it again or for an older opset`,
  ),
  'runtime.no-provider': usage(
    (c: { tried: string; available: string }) =>
      `no execution provider took the model (${c.tried}); the runtime knows ${c.available}`,
  ),
  'runtime.none-fits': refused(
    422,
    (c: { reason: string }) =>
      `no runtime of this device runs the model: ${c.reason}; choose another variant`,
  ),
  'runtime.run-failed': refused(
    422,
    (c: { reason: string }) => `the model failed while it ran: ${c.reason}; check its inputs`,
  ),
  'sketch.invalid': refused(
    400,
    (c: { sketch: string; reason: string }) => `a ${c.sketch} cannot be used: ${c.reason}`,
  ),
  'spec.mismatch': refused(
    422,
    (c: { model: string; where: string; reason: string }) =>
      `the spec of ${c.model} does not fit the model: ${c.where} ${c.reason}`,
  ),
  'spec.not-found': usage(
    (c: { tried: string }) =>
      `no model spec at ${c.tried}: write one beside the model as docs/model-yaml.md shows, or name it with --spec`,
  ),
  'spec.unsupported': refused(
    422,
    (c: { model: string; where: string; kind: string; supported: string }) =>
      `${c.model}: ${c.where} is of kind ${c.kind}, which this version does not run; it runs ${c.supported}`,
  ),
  'tensor.invalid': refused(
    400,
    (c: { tensor: string; reason: string }) => `tensor ${c.tensor} ${c.reason}`,
  ),
} as const;
