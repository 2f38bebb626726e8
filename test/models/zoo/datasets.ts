import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Tensor, TensorData } from '@flotilla/model';
import type { Sample } from './subject.ts';

/** Scale and zero point of the integers that the keyword features are stored as. */
const MFCC = { scale: 0.5847029089927673, zeroPoint: 83 };
/** Bytes before the pixels and before the labels of an IDX file. */
const IDX = { images: 16, labels: 8 };
const DIGIT = 28;

/** Keyword features (49 × 10 MFCC) as the floats that the int8 files stand for; the label is in the name. */
export async function keywordSamples(folder: string, input: string): Promise<Sample[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.bin')).sort();
  return await Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(folder, name));
      const integers = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const data = Float32Array.from(integers, (q) => (q - MFCC.zeroPoint) * MFCC.scale);
      return { tensors: { [input]: fp32([1, 49, 10, 1], data) }, label: labelOf(name) };
    }),
  );
}

function labelOf(name: string): number {
  return Number(/_(\d+)\.bin$/.exec(name)?.[1] ?? -1);
}

/** The first handwritten digits of the test set, as pixels from 0 to 1. */
export async function digitSamples(folder: string, input: string, most: number): Promise<Sample[]> {
  const unpacked = async (file: string) => gunzipSync(await readFile(join(folder, file)));
  const pixels = (await unpacked('t10k-images-idx3-ubyte.gz')).subarray(IDX.images);
  const labels = (await unpacked('t10k-labels-idx1-ubyte.gz')).subarray(
    IDX.labels,
    IDX.labels + most,
  );
  return Array.from(labels, (label, row) => {
    const digit = pixels.subarray(row * DIGIT * DIGIT, (row + 1) * DIGIT * DIGIT);
    return {
      tensors: {
        [input]: fp32(
          [1, 1, DIGIT, DIGIT],
          Float32Array.from(digit, (pixel) => pixel / 255),
        ),
      },
      label,
    };
  });
}

export function fp32(shape: readonly number[], data: TensorData): Tensor {
  return { type: 'FP32', shape, data };
}
