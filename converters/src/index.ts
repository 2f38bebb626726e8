export { type BenchRequest, type BenchResult, benchModel } from './bench.ts';
export { calibrate } from './calibrate/calibrate.ts';
export { CALIBRATION_METHODS, type CalibrationMethod } from './calibrate/methods.ts';
export { type CompareRequest, type CompareResult, compareModels } from './compare.ts';
export { convert } from './convert.ts';
export { readData } from './data/folder.ts';
export { loadAhead } from './data/load-ahead.ts';
export { readOnnxFile as readModel } from './formats/onnx/file.ts';
export { writeOnnx as writeModel } from './formats/onnx/write.ts';
export { freeTensors } from './free.ts';
export { type RewriteRequest, type RewriteResult, rewriteModel } from './graph-only.ts';
export { type InspectedValue, type Inspection, inspect } from './inspect.ts';
export type { Model } from './ir/graph.ts';
export { type Facts, inferFacts, type ValueFacts } from './ops/facts.ts';
export { bindConstants } from './passes/bind-constants.ts';
export { type FixedShape, fixShapes } from './passes/fix-shape.ts';
export { type PassReport, runPasses } from './passes/index.ts';
export { type Float16Model, type Float16Options, toFloat16 } from './quantize/fp16.ts';
export { type CalibrationData, type Quantized, quantize } from './quantize/quantize.ts';
export type { Scheme } from './quantize/scheme.ts';
export type {
  ConvertRequest,
  Cut,
  GraphRequest,
  OnProgress,
  Progress,
  SchemeRequest,
  Signing,
} from './request.ts';
export type {
  Accuracy,
  ActivationRange,
  Candidate,
  ConvertResult,
  GraphSize,
  Latency,
  NodeSensitivity,
  SliceAccuracy,
  TargetSearch,
  VariantReport,
} from './result.ts';
export type { LatencyPair, MeasuredOn } from './verify/latency.ts';
export type { NodeSqnr } from './verify/sqnr.ts';
