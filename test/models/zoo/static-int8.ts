import {
  type CalibrationMethod,
  calibrate,
  quantize,
  readModel,
  runPasses,
} from '@flotilla/converters';
import type { Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { targetById } from '@flotilla/targets';

/** The target whose processor suites and benches run on. */
export const TARGET = 'x86-64';

export interface StaticInt8 {
  readonly method: CalibrationMethod;
  readonly perChannel: boolean;
}

/**
 * A model in static int8, with this method and nothing that Flotilla adds to it: what peers can do too.
 *
 * @param release called with each sample when it is no longer needed
 */
export async function makeStatic(
  modelFile: string,
  samples: () => AsyncIterable<Tensors>,
  { method, perChannel }: StaticInt8,
  release?: (sample: Tensors) => void,
): Promise<Uint8Array> {
  const model = await readModel(modelFile);
  await runPasses(model);
  const runtime = ortRuntime();
  const statistics = await calibrate(model, samples(), { runtime, methods: [method], release });
  const { bytes } = await quantize({
    model,
    scheme: {
      precision: 'int8',
      form: { ...targetById(TARGET).qdq, perChannel },
      method,
      equalize: false,
      biasCorrection: false,
      rounding: 'nearest',
      float: [],
    },
    calibration: { statistics, samples, runtime },
  });
  return bytes;
}
