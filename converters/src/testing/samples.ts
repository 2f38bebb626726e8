import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomNumbers } from './small-net.ts';

/** A folder of arrays in NumPy's format, with four classes in turn and a slice `side`. */
export async function writeSamples(
  folder: string,
  shape: readonly number[],
  count: number,
  seed: number,
): Promise<void> {
  await mkdir(folder);
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const lines = ['file,class_index,side'];
  for (let i = 0; i < count; i++) {
    const random = randomNumbers(seed + i);
    const data = Float32Array.from({ length: size }, () => random());
    const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 118, 0]);
    const bytes = [start, Buffer.from(`${header.padEnd(117)}\n`), Buffer.from(data.buffer)];
    await writeFile(join(folder, `${i}.npy`), Buffer.concat(bytes));
    lines.push(`${i}.npy,${i % 4},${i % 2 ? 'left' : 'right'}`);
  }
  await writeFile(join(folder, 'labels.csv'), `${lines.join('\n')}\n`);
}
