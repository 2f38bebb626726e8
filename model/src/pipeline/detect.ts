import { anchorCount, anchorsOf, type BoxReader, createBoxReader } from '../detection/boxes.ts';
import { candidates, MAX_BOXES } from '../detection/candidates.ts';
import { type Corners, suppress } from '../detection/nms.ts';
import { type BoxBatch, readSource } from '../detection/source.ts';
import { type Placement, toOriginal } from '../image/placement.ts';
import type { DetectionOutput, Size } from '../spec/types.ts';
import { numbersOf } from './numbers.ts';
import {
  type OutputReader,
  outputMismatch,
  outputNamed,
  type ReadContext,
} from './output-reading.ts';
import type { Detection, DetectionPrediction } from './prediction.ts';

/**
 * Reads boxes: the best class of each, those of enough score, corners, suppression, and back to
 * pixels of the image that was given.
 */
export function detectionReader(output: DetectionOutput, context: ReadContext): OutputReader {
  const refuse = (tensor: string, reason: string): never => {
    throw outputMismatch(context, tensor, reason);
  };
  const boxReaderFor = boxReaders(output);
  const boxTensor = output.source.kind === 'single' ? output.source.tensor : output.source.boxes;
  return (outputs, { placements }) => {
    const found = readSource(output, {
      tensor(name) {
        const tensor = outputNamed(context, outputs, name);
        return { shape: tensor.shape, data: numbersOf(tensor) };
      },
      refuse,
    });
    if (found.boxes > MAX_BOXES) refuse(boxTensor, `has ${found.boxes} boxes, too many`);
    checkLabels(found, context, boxTensor);
    return Array.from({ length: found.batch }, (_, sample) => {
      const placement = placements[sample] ?? context.placement;
      const size = placement && ([placement.seen.width, placement.seen.height] as const);
      const reader = boxReaderFor(size, found.boxes, (reason) => refuse(boxTensor, reason));
      return detect(output, context.labels, found, sample, reader, placement);
    });
  };
}

type BoxReaderFor = (
  size: Size | undefined,
  boxes: number,
  refuse: (reason: string) => never,
) => BoxReader;

/** Box readers by the size of the model's image; the last one is kept. */
function boxReaders({ format, anchors: spec }: DetectionOutput): BoxReaderFor {
  if (!spec) {
    const reader = createBoxReader(format, undefined, []);
    return () => reader;
  }
  let kept: { readonly size: string; readonly reader: BoxReader } | undefined;
  return (size, boxes, refuse) => {
    const count = anchorCount(spec, size);
    if (count === undefined) return refuse('needs the size of an image input to place its grids');
    if (count !== boxes) return refuse(`has ${boxes} boxes but there are ${count} anchors`);
    if (kept?.size !== String(size)) {
      const reader = createBoxReader(format, anchorsOf(spec, size), spec.variance);
      kept = { size: String(size), reader };
    }
    return kept.reader;
  };
}

function checkLabels({ classes }: BoxBatch, context: ReadContext, tensor: string): void {
  const { labels } = context;
  if (!labels || classes === undefined || labels.length === classes) return;
  const reason = `has ${classes} classes but there are ${labels.length} labels`;
  throw outputMismatch(context, tensor, reason);
}

function detect(
  { nms, normalized }: DetectionOutput,
  labels: readonly string[] | undefined,
  found: BoxBatch,
  sample: number,
  read: BoxReader,
  placement: Placement | undefined,
): DetectionPrediction {
  const best = found.bestOf(sample);
  const likely = candidates(best.scores, nms.score);
  const corners = read(found.boxesOf(sample), likely);
  if (normalized && placement) toPixels(corners, placement.seen);
  const classes = Int32Array.from(likely, (box) => best.classes[box]!);
  const stay = suppress(corners, nms.perClass ? classes : undefined, nms.iou, nms.maxDetections);
  const detections = stay.flatMap((i): Detection[] => {
    const box = cornersAt(corners, i, placement);
    if (!box) return [];
    const index = classes[i]!;
    const confidence = Math.min(1, best.scores[likely[i]!]!);
    return [{ index, label: labels?.[index] ?? String(index), confidence, box }];
  });
  const highest = detections.reduce((most, { index }) => Math.max(most, index + 1), 0);
  return {
    kind: 'detection',
    detections,
    classes: found.classes ?? labels?.length ?? highest,
    image: placement?.original,
  };
}

function toPixels(corners: Corners, { width, height }: Placement['seen']): void {
  for (let i = 0; i < corners.length; i += 2) {
    corners[i] = corners[i]! * width;
    corners[i + 1] = corners[i + 1]! * height;
  }
}

/** @returns undefined for what is no box within the image */
function cornersAt(
  corners: Corners,
  i: number,
  placement: Placement | undefined,
): Detection['box'] | undefined {
  const seen = [0, 1, 2, 3].map((k) => corners[4 * i + k]!) as [number, number, number, number];
  const [left, top, right, bottom] = placement ? toOriginal(placement, seen) : seen;
  return right > left && bottom > top ? { left, top, right, bottom } : undefined;
}
