import {
  CONFIDENCE_EDGES,
  type DriftDetector,
  FixedBins,
  LogHistogram,
  Moments,
  type Prediction,
  predictionFeatures,
} from '@flotilla/model';
import type { Draft, Window } from '@flotilla/protocol';
import type { Inference, LoadedModel } from '../serving/loaded-model.ts';

/** Classes that are counted one by one; a window must stay small. */
const MAX_CLASSES = 4096;

/** Metrics of one deployment while a window lasts. */
export interface OpenWindow {
  readonly startMs: number;
  readonly lengthMs: number;
  inferred(inference: Inference): void;
  failed(): void;
  /** The window as it is sent; undefined where nothing happened in it. */
  close(): Draft<Window> | undefined;
}

export function openWindow(
  slot: string,
  { installed, bundle }: LoadedModel,
  detector: DriftDetector | undefined,
  startMs: number,
  lengthMs: number,
): OpenWindow {
  const latencyUs = new LogHistogram();
  const confidence = new Moments();
  const confidenceBins = new FixedBins(CONFIDENCE_EDGES);
  const classCounts: number[] = [];
  let inferences = 0;
  let errors = 0;

  function countClass(index: number, classes: number): void {
    while (classCounts.length < Math.min(classes, MAX_CLASSES)) classCounts.push(0);
    if (index < classCounts.length) classCounts[index] = (classCounts[index] ?? 0) + 1;
  }

  function recordConfidence(value: number): void {
    confidence.record(value);
    confidenceBins.count(value);
  }

  /** Boxes of one image are not independent: their mean is one value. */
  function predicted(prediction: Prediction): void {
    if (prediction.kind === 'classification') {
      countClass(prediction.index, prediction.probabilities.length);
      recordConfidence(prediction.confidence);
    }
    if (prediction.kind !== 'detection') return;
    const { detections, classes } = prediction;
    for (const { index } of detections) countClass(index, classes);
    if (detections.length === 0) return;
    recordConfidence(detections.reduce((sum, one) => sum + one.confidence, 0) / detections.length);
  }

  return {
    startMs,
    lengthMs,
    inferred(inference) {
      const { predictions, features } = inference;
      // One for each sample of each kind: the samples are those of one kind.
      inferences += predictions.filter(({ kind }) => kind === predictions[0]?.kind).length;
      latencyUs.record(inference.latencyUs);
      detector?.observe({ ...features, ...predictionFeatures(predictions) });
      for (const prediction of predictions) predicted(prediction);
    },
    failed() {
      inferences++;
      errors++;
    },
    close() {
      if (inferences === 0) return undefined;
      const drift = detector?.closeWindow();
      return {
        slot,
        deployment: installed.deployment,
        digest: installed.digest,
        model: installed.model,
        version: installed.version,
        role: 'ROLE_ACTIVE',
        startMs,
        lengthMs,
        inferences,
        errors,
        latencyUs: latencyUs.toWire(),
        classCounts,
        confidence: confidence.toWire(),
        confidenceBins: confidence.count > 0 ? confidenceBins.counts : [],
        features: drift?.features ?? [],
        drift: drift?.verdicts ?? [],
        profileDigest: bundle.profileDigest,
      };
    },
  };
}
