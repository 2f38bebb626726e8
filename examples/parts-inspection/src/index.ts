export type { DatasetOptions, OnProgress, RenderedDataset } from './dataset.ts';
export { renderDataset } from './dataset.ts';
export type { RenderedPart, RenderOptions } from './frame.ts';
export { renderPart } from './frame.ts';
export type { Drift, Light, PartLabel } from './labels.ts';
export { DRIFTS, LIGHTS, PART_LABELS } from './labels.ts';
