import { refused, usage } from './row.ts';

/** Models, model specs, data folders, optimization. */
export const MODEL_ERRORS = {
  'model.not-found': usage(
    (c: { file: string }) => `no model at ${c.file}: give the path of an ONNX file`,
  ),
  'model.not-onnx': refused(
    422,
    (c: { file: string; reason: string }) =>
      `${c.file} is not a readable ONNX model (${c.reason}): export it again or check that the copy is whole`,
  ),
  'spec.invalid': refused(
    422,
    (c: { file: string; where: string; reason: string }) => `${c.file}: ${c.where} ${c.reason}`,
  ),
} as const;
