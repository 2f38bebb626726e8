export { type BenchRequest, type BenchResult, benchModel } from './bench.ts';
export { CALIBRATION_METHODS, type CalibrationMethod } from './calibrate/calibrate.ts';
export { type CompareRequest, type CompareResult, compareModels } from './compare.ts';
export { convert } from './convert.ts';
export { type InspectedValue, type Inspection, inspect } from './inspect.ts';
export type {
  Accuracy,
  ConvertRequest,
  ConvertResult,
  Latency,
  OnProgress,
  Progress,
  Signing,
  SliceAccuracy,
  VariantReport,
} from './request.ts';
export type { LatencyPair, MeasuredOn } from './verify/latency.ts';
export type { NodeSqnr } from './verify/sqnr.ts';
