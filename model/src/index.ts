export * from './compare.ts';
export * from './drift/detector.ts';
export * from './drift/profile.ts';
export * from './drift/statistics.ts';
export * from './golden.ts';
export { fromHalves, toHalves } from './half.ts';
export { fixedSize } from './image/fit.ts';
export type { ImageDecoder, Rgb8 } from './image/image.ts';
export { IMAGE_FEATURES, type ImageFeature, imageFeatures } from './image/image-features.ts';
export { type ImageElement, imageToTensor } from './image/image-to-tensor.ts';
export { createResampler, type Resampler } from './image/resample.ts';
export { MAX_LABELS_BYTES, parseLabels } from './labels.ts';
export type { Raw } from './pipeline/feed.ts';
export { numbersOf, tensorOf } from './pipeline/numbers.ts';
export * from './pipeline/pipeline.ts';
export {
  type ClassificationPrediction,
  type ClassScore,
  type Prediction,
  type RawPrediction,
  softmax,
} from './pipeline/prediction.ts';
export * from './quality.ts';
export type * from './runtime.ts';
export * from './runtimes.ts';
export { binOf, FixedBins } from './sketches/fixed-bins.ts';
export { LogHistogram } from './sketches/log-histogram.ts';
export { Moments } from './sketches/moments.ts';
export { explain } from './spec/explain.ts';
export * from './spec.ts';
export * from './tensor.ts';
export * from './tensors.ts';
