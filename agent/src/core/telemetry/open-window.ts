import {
  CONFIDENCE_EDGES,
  type DriftDetector,
  FixedBins,
  LogHistogram,
  Moments,
  type Prediction,
  predictionFeatures,
} from '@flotilla/model';
import type { Draft, Role, Window } from '@flotilla/protocol';
import type { Inference } from '../serving/loaded-model.ts';
import type { Installed } from '../state.ts';
import { MAX_CLASSES, type OpenComparison } from './comparison.ts';

/** What a window is about. */
export interface Subject {
  readonly slot: string;
  readonly role: Role;
  readonly installed: Installed;
  /** Of the reference profile; empty without one. */
  readonly profileDigest: string;
  readonly detector: DriftDetector | undefined;
}

/** Metrics of one deployment while a window lasts. */
export interface OpenWindow {
  readonly startMs: number;
  readonly lengthMs: number;
  inferred(inference: Inference): void;
  failed(): void;
  /** The true class of inferences became known, of this window or of earlier ones. */
  labeled(labels: number, correct: number): void;
  /** With the active model; of a shadow. */
  readonly comparison: OpenComparison | undefined;
  /** The window as it is sent; undefined where nothing happened in it. */
  close(): Draft<Window> | undefined;
}

export function openWindow(
  { slot, role, installed, profileDigest, detector }: Subject,
  startMs: number,
  lengthMs: number,
  comparison?: OpenComparison,
): OpenWindow {
  const latencyUs = new LogHistogram();
  const confidence = new Moments();
  const confidenceBins = new FixedBins(CONFIDENCE_EDGES);
  const classCounts: number[] = [];
  let inferences = 0;
  let errors = 0;
  let labels = 0;
  let correctLabels = 0;

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
    labeled(more, correct) {
      labels += more;
      correctLabels += correct;
    },
    comparison,
    close() {
      if (inferences === 0 && labels === 0 && (comparison?.isEmpty ?? true)) return undefined;
      const drift = inferences === 0 ? undefined : detector?.closeWindow();
      return {
        slot,
        deployment: installed.deployment,
        digest: installed.digest,
        model: installed.model,
        version: installed.version,
        role,
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
        profileDigest,
        labeled: labels,
        correct: correctLabels,
        ...(comparison === undefined ? {} : { comparison: comparison.toWire() }),
      };
    },
  };
}
