import { isFlotillaError } from '@flotilla/protocol';
import { readOnnx } from '../../formats/onnx/read.ts';
import { writeOnnx } from '../../formats/onnx/write.ts';
import { graphFault } from '../../ir/validate.ts';
import { runPasses } from '../../passes/index.ts';
import { peakMemory } from '../peak-memory.ts';
import { mutant } from './mutate.ts';
import { seedFiles } from './seeds.ts';

export interface Series {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

/** What became of one mutant; `fault` says what may not happen. */
export interface Outcome {
  readonly index: number;
  /** `written`, or the code of the error that refused it. */
  readonly end: string;
  readonly fault?: string;
  readonly milliseconds: number;
}

/** In a process of its own: reads, optimizes and writes mutants, and reports each. */
export async function run(
  { seed, from, to }: Series,
  report: (outcome: Outcome) => Promise<void>,
): Promise<{ peakBytes: number }> {
  const seeds = seedFiles();
  for (let index = from; index < to; index++) {
    const file = mutant(seeds, seed, index);
    const begin = process.cpuUsage();
    const outcome = await tryOut(file);
    const { user, system } = process.cpuUsage(begin);
    await report({ index, ...outcome, milliseconds: (user + system) / 1000 });
  }
  return { peakBytes: peakMemory() };
}

async function tryOut(file: Uint8Array): Promise<Pick<Outcome, 'end' | 'fault'>> {
  try {
    const model = readOnnx(file, { file: 'mutant.onnx' });
    await runPasses(model);
    const again = readOnnx(writeOnnx(model), { file: 'again.onnx' });
    const fault = graphFault(again.graph);
    return fault === undefined ? { end: 'written' } : { end: 'written', fault };
  } catch (error) {
    if (!isFlotillaError(error)) return { end: 'error', fault: textOf(error) };
    if (error.message.includes('\n')) return { end: error.code, fault: error.message };
    const ours = error.code === 'model.pass-failed' || error.message.includes('again.onnx');
    return ours ? { end: error.code, fault: textOf(error) } : { end: error.code };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
