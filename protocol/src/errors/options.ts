/** Options of the command line that fill in fields of a request. */
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ['version', '--model-version'],
  ['targets', '--target'],
  ['precisions', '--precision'],
  ['calibration', '--calibration'],
  ['evaluation', '--evaluate'],
  ['maxDrop', '--max-drop'],
  ['maxCalibration', '--max-calibration'],
  ['maxChoice', '--max-choice'],
  ['maxEvaluation', '--max-evaluation'],
  ['seed', '--seed'],
  ['out', '--out'],
  ['scheme.method', '--method'],
  ['scheme.rounding', '--rounding'],
  ['scheme.blockSize', '--block-size'],
  ['scheme.float', '--float'],
  ['opset', '--opset'],
]);

/** A field of a request, with the option that fills it in where there is one. */
export function optionOf(field: string): string {
  const option = OPTIONS.get(field);
  return option === undefined ? field : `${field} (${option})`;
}
