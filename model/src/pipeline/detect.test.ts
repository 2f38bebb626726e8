import { describe, expect, it } from 'vitest';
import type { Rgb8 } from '../image/image.ts';
import { type Placement, unmoved } from '../image/placement.ts';
import { parseSpec } from '../spec/parse.ts';
import type { Tensor, Tensors } from '../tensor.ts';
import { createPipeline } from './pipeline.ts';
import type { DetectionPrediction } from './prediction.ts';

const SQUARE = unmoved(100, 100);

function fp32(shape: readonly number[], ...data: number[]): Tensor {
  return { type: 'FP32', shape, data: Float32Array.from(data) };
}

function detector(detection: string, labels?: string[]) {
  const text = `schema: 1\nname: m\ninputs: {x: {raw: {}}}\noutputs: {detection: {${detection}}}`;
  const pipeline = createPipeline(parseSpec(text, 'm.yaml'), {
    labels,
    inputs: [{ name: 'x', type: 'FP32', shape: [1] }],
    decoder: { decode: () => Promise.reject(new Error('there are no images')) },
  });
  return (outputs: Tensors, ...placements: Placement[]): DetectionPrediction[] =>
    pipeline.postprocess(outputs, { tensors: {}, placements }).map((prediction) => {
      if (prediction.kind !== 'detection') throw new Error('no detection');
      return prediction;
    });
}

/** Label, confidence and corners of each detection, rounded. */
function seen(prediction: DetectionPrediction | undefined): unknown[] {
  return (prediction?.detections ?? []).map(({ label, confidence, box }) => [
    label,
    Number(confidence.toFixed(3)),
    ...[box.left, box.top, box.right, box.bottom].map((n) => Number(n.toFixed(2))),
  ]);
}

/** Rows of numbers as columns. */
function turned(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.flatMap((_, column) => rows.map((row) => row[column]!));
}

describe('one tensor', () => {
  const rows = [
    [50, 50, 20, 20, 0.1, 0.9],
    [51, 50, 20, 20, 0.2, 0.8],
    [52, 50, 20, 20, 0.7, 0.1],
    [20, 20, 10, 10, 0.1, 0.2],
  ];
  const found = [
    ['dog', 0.9, 40, 40, 60, 60],
    ['cat', 0.7, 42, 40, 62, 60],
  ];

  it('of columns, as YOLOv8 gives it', () => {
    const detect = detector('tensor: y, layout: columns, format: cxcywh, labels: [cat, dog]');
    const [prediction] = detect({ y: fp32([1, 6, 4], ...turned(rows)) }, SQUARE);
    expect(seen(prediction)).toEqual(found);
    expect(prediction).toMatchObject({ classes: 2, image: { width: 100, height: 100 } });
  });

  it('of rows, in a batch, where all classes suppress each other', () => {
    const detect = detector('tensor: y, format: cxcywh, nms: {perClass: false}', ['cat', 'dog']);
    const empty = rows.map(() => [0, 0, 0, 0, 0, 0]);
    const y = fp32([2, 4, 6], ...empty.flat(), ...rows.flat());
    const [none, some] = detect({ y }, SQUARE, SQUARE);
    expect(seen(none)).toEqual([]);
    expect(seen(some)).toEqual(found.slice(0, 1));
  });

  it('with objectness, as YOLOv5 gives it, cell by cell', () => {
    const detect = detector('tensor: y, values: objectness, format: cxcywh, activation: sigmoid');
    const y = fp32([1, 1, 2, 1, 7], 50, 50, 20, 20, 3, 0, 2, 10, 10, 4, 4, -4, 0, 9);
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const confidence = Number((sigmoid(3) * sigmoid(2)).toFixed(3));
    expect(seen(detect({ y }, SQUARE)[0])).toEqual([['1', confidence, 40, 40, 60, 60]]);
  });

  it('with a score and a class, which suppresses nothing', () => {
    const detect = detector('tensor: y, values: scoreAndClass, format: xyxy');
    const y = fp32([1, 3, 6], 1, 1, 9, 9, 0.9, 3, 1, 1, 9, 9, 0.8, 3, 1, 1, 9, 9, 0.1, 3);
    const [prediction] = detect({ y }, SQUARE);
    expect(seen(prediction)).toEqual([
      ['3', 0.9, 1, 1, 9, 9],
      ['3', 0.8, 1, 1, 9, 9],
    ]);
    expect(prediction?.classes).toBe(4);
  });

  it('of offsets from grids, as YOLOX gives it', () => {
    const detect = detector('tensor: y, format: cxcywh, anchors: {strides: [8, 16]}');
    // An image of 16 × 8 has two cells of 8 pixels and one of 16.
    const y = fp32(
      [1, 3, 5],
      ...[0, 0, 0, 0, 0.1],
      ...[0.5, 0.5, 0, Math.log(0.5), 0.9],
      ...[0.5, 0.25, Math.log(0.25), 0, 0.8],
    );
    expect(seen(detect({ y }, unmoved(16, 8))[0])).toEqual([
      ['0', 0.9, 8, 2, 16, 6],
      ['0', 0.8, 6, 0, 10, 8],
    ]);
    expect(() => detect({ y }, unmoved(8, 8))).toThrow('has 3 boxes but there are 2 anchors');
    const most = unmoved(2 ** 31, 2 ** 31);
    expect(() => detect({ y }, most)).toThrow('has 3 boxes but there are');
    expect(() => detect({ y })).toThrow('needs the size of an image input');
  });
});

describe('several tensors', () => {
  it('after suppression in the model, as SSD gives them', () => {
    const detect = detector(
      'boxes: b, scores: s, classes: c, count: n, format: yxyx, normalized: true',
      ['cat', 'dog'],
    );
    const outputs = {
      b: fp32([1, 3, 4], 0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4, 0, 0, 1, 1),
      s: fp32([1, 3], 0.9, 0.8, 0.7),
      c: fp32([1, 3], 1, 0, 1),
      n: fp32([1], 2),
    };
    expect(seen(detect(outputs, unmoved(200, 100))[0])).toEqual([
      ['dog', 0.9, 40, 10, 80, 30],
      ['cat', 0.8, 40, 10, 80, 30],
    ]);
  });

  it('with a background, softmax and anchors', () => {
    const detect = detector(
      'boxes: b, scores: s, format: cycxhw, normalized: true, background: 0, activation: softmax, anchors: {boxes: [[0.5, 0.5, 0.2, 0.4], [0.2, 0.2, 0.1, 0.1]], variance: [0.1, 0.1, 0.2, 0.2]}',
    );
    const outputs = {
      b: fp32([1, 2, 4], 0, 1, 0, 5 * Math.log(2), 0, 0, 0, 0),
      s: fp32([1, 2, 3], 0, Math.log(6), Math.log(3), 5, 1, 0),
    };
    // Center x 0.5 + 1 · 0.1 · 0.2, width twice 0.2.
    expect(seen(detect(outputs, SQUARE)[0])).toEqual([['1', 0.6, 32, 30, 72, 70]]);
  });

  it('without any box, and with classes that are none', () => {
    const detect = detector('boxes: b, scores: s, classes: c, format: xyxy');
    const none = { b: fp32([0, 4]), s: fp32([0]), c: fp32([0]) };
    expect(detect(none)[0]?.detections).toEqual([]);
    const odd = {
      b: fp32([2, 4], 0, 0, 9, 9, 0, 0, 9, 9),
      s: fp32([2], 0.9, 0.9),
      c: fp32([2], -1, Number.NaN),
    };
    expect(detect(odd)[0]?.detections).toEqual([]);
  });

  it('with scores that are no numbers, and an objectness below 0', () => {
    const detect = detector('tensor: y, values: objectness, format: xyxy');
    const y = fp32([1, 1, 7], 0, 0, 9, 9, -0.5, Number.NaN, Number.NaN);
    expect(detect({ y })[0]?.detections).toEqual([]);
    const two = detector('tensor: y, format: xyxy, background: 0, activation: sigmoid');
    expect(two({ y: fp32([1, 1, 5], 0, 0, 9, 9, 5) })[0]?.detections).toEqual([]);
  });

  it('refuses what does not fit', () => {
    const detect = detector('boxes: b, scores: s, format: xyxy', ['a', 'b']);
    const b = fp32([1, 2, 4], 0, 0, 1, 1, 0, 0, 1, 1);
    expect(() => detect({ b, s: fp32([1, 3], 1, 1, 1) })).toThrow('does not fit 1 × 2 boxes');
    expect(() => detect({ b, s: fp32([1, 2], 1, 1) })).toThrow('1 classes but there are 2 labels');
    expect(() => detect({ b: fp32([1, 2, 3], 1, 1, 1, 1, 1, 1), s: b })).toThrow('not 4');
    const turnedScores = { b, s: fp32([1, 3, 2], 1, 1, 1, 0, 0, 0) };
    expect(() => detect(turnedScores)).toThrow('has 2 numbers a box as rows, not 3');
    expect(() => detect({ b })).toThrow('output s is not among');
    const many = { shape: [2 ** 31, 0, 4], type: 'FP32', data: new Float32Array() } as const;
    expect(() => detect({ b: many, s: many })).toThrow('more than 4096');
    const short = detector('tensor: y, format: xyxy');
    expect(() => short({ y: fp32([1, 1, 4], 1, 1, 1, 1) })).toThrow('has 4 numbers a box as rows');
  });
});

describe('boxes in the image that was given', () => {
  /** A box around the pixels that the model sees as white, as that model would find it. */
  async function found(image: string, picture: Rgb8): Promise<unknown> {
    const text = `schema: 1\nname: m\ninputs: {x: {image: {${image}}}}\noutputs: {detection: {tensor: y, format: xyxy}}`;
    const pipeline = createPipeline(parseSpec(text, 'm.yaml'), {
      labels: undefined,
      inputs: [{ name: 'x', type: 'FP32', shape: [-1, 3, -1, -1] }],
      decoder: { decode: async () => picture },
    });
    const prepared = await pipeline.preprocess({ x: new Uint8Array() });
    const { shape, data } = prepared.tensors.x!;
    const [height = 0, width = 0] = shape.slice(2);
    const white = Array.from({ length: width * height }, (_, i) => i).filter((i) => data[i]! > 127);
    const xs = white.map((i) => i % width);
    const ys = white.map((i) => Math.floor(i / width));
    const corners = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
    const y = fp32([1, 1, 5], ...corners, 0.9);
    const [prediction] = pipeline.postprocess({ y }, prepared);
    return prediction?.kind === 'detection' ? prediction.detections[0]?.box : undefined;
  }

  /** White from (80, 40) to (120, 80) on black. */
  const picture: Rgb8 = { width: 200, height: 120, data: new Uint8Array(200 * 120 * 3) };
  for (let y = 40; y < 80; y++) {
    picture.data.fill(255, (y * 200 + 80) * 3, (y * 200 + 120) * 3);
  }
  const box = { left: 80, top: 40, right: 120, bottom: 80 };

  it.each([
    ['as it is', ''],
    ['stretched', 'resize: {mode: stretch, size: [100, 120]}'],
    ['in a letterbox', 'resize: {mode: letterbox, size: 100}'],
    ['in a letterbox that is upright', 'resize: {mode: letterbox, size: [50, 90]}'],
    ['cropped', 'resize: {mode: shortSide, size: 60}, crop: 50'],
    ['padded by a crop', 'crop: 300'],
  ])('%s', async (_, image) => {
    const { left, top, right, bottom } = (await found(image, picture)) as typeof box;
    const off = [left - box.left, top - box.top, right - box.right, bottom - box.bottom];
    // A pixel that the model sees is up to four of the image.
    expect(Math.max(...off.map(Math.abs))).toBeLessThanOrEqual(2.5);
  });

  it('ends at the edge of the image', () => {
    const detect = detector('tensor: y, format: xyxy');
    const y = fp32([1, 2, 5], -5, -5, 200, 50, 0.9, 300, 300, 400, 400, 0.8);
    expect(seen(detect({ y }, SQUARE)[0])).toEqual([['0', 0.9, 0, 0, 100, 50]]);
  });
});
