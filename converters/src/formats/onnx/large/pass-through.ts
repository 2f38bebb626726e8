import { runPasses } from '../../../passes/index.ts';
import { peakMemory } from '../../../testing/peak-memory.ts';
import { readOnnxFile } from '../file.ts';
import { writeOnnxFile } from '../write-file.ts';

interface Order {
  readonly from: string;
  readonly to: string;
}

/** In a process of its own: reads a model, runs all passes and writes it. */
export async function run({ from, to }: Order): Promise<{ files: string[]; peakBytes: number }> {
  const model = await readOnnxFile(from);
  await runPasses(model);
  const files = await writeOnnxFile(model, to);
  return { files, peakBytes: peakMemory() };
}
