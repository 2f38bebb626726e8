/** Prints accuracy and latency of SqueezeNet 1.1 in int8 against fp32 on this machine. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert } from '@flotilla/converters';
import { SQUEEZENET_SPEC } from '../models/squeezenet-spec.ts';

const RUNS = 200;

async function main(models: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-bench-'));
  try {
    const specFile = join(folder, 'squeezenet.yaml');
    await writeFile(specFile, SQUEEZENET_SPEC);
    const images = join(models, 'data/imagenet300');
    const start = performance.now();
    const { variants } = await convert({
      modelFile: join(models, 'derived/squeezenet1.1_fp32_widened.onnx'),
      specFile,
      version: 1,
      targets: ['x86-64'],
      precisions: ['int8'],
      calibration: images,
      evaluation: images,
      out: join(folder, 'out'),
      latencyRuns: RUNS,
    });
    const seconds = (performance.now() - start) / 1000;
    for (const { accuracy, latencyMs, bytes } of variants) {
      const { fp32, variant, measuredOn } = latencyMs;
      console.log(accuracy.judged);
      console.log(`agreement ${(accuracy.agreement * 100).toFixed(1)} %, ${bytes} bytes`);
      console.log(
        `${variant.toFixed(2)} ms against ${fp32.toFixed(2)} ms: ${(variant / fp32).toFixed(3)} × fp32`,
        `(median of ${RUNS} interleaved runs, ${measuredOn.threads} thread, ${measuredOn.cpu})`,
      );
    }
    console.log(`the whole conversion took ${seconds.toFixed(1)} s`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await main(process.env.FLOTILLA_MODELS ?? process.argv[2] ?? '');
