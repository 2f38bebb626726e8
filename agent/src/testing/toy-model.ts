import { setTimeout } from 'node:timers/promises';
import { encodeGolden, type Runtime, type Session, type Tensors } from '@flotilla/model';
import {
  type BundleConfig,
  type BundleContent,
  makeManifest,
  sha256,
  targetPath,
} from '@flotilla/protocol';

/** What a toy model does when it runs; written into its bytes. */
export interface ToyModel {
  readonly version: number;
  /** Default `parts`. */
  readonly name?: string;
  /**
   * `crash-on-load` fails in `load`; `hang-on-load` never ends it, but in the self-test. What is
   * wrong `on-run` spares the golden input, 0: it fails, never ends, or takes `SLOW_MS`.
   */
  readonly fault?:
    | 'crash-on-load'
    | 'hang-on-load'
    | 'fail-on-run'
    | 'hang-on-run'
    | 'slow-on-run'
    | 'wrong-output';
  /** Makes it larger. */
  readonly weights?: string;
  /** Security epoch of its bundle; default 0. */
  readonly epoch?: number;
}

export interface ToyBundle extends BundleContent {
  readonly version: number;
  readonly targetPath: string;
}

export const TOY_OPSET = 17;
const SPEC = 'schema: 1\nname: parts\ninputs: { x: { raw: {} } }\noutputs: { raw: {} }\n';

const vector = (value: number) => ({
  type: 'FP32' as const,
  shape: [1],
  data: Float32Array.of(value),
});

/** A model that answers with its own version, in a real bundle. */
export async function makeToyBundle(
  model: ToyModel,
  target = 'x86-64',
  runtime: BundleConfig['runtime'] = { name: 'onnxruntime', minOpset: 13, opset: TOY_OPSET },
): Promise<ToyBundle> {
  const utf8 = new TextEncoder();
  const config = {
    formatVersion: 1 as const,
    model: model.name ?? 'parts',
    version: model.version,
    target,
    precision: 'int8' as const,
    runtime,
    memoryBytes: 1 << 20,
    sourceDigest: await sha256(utf8.encode('source')),
    tools: {},
    epoch: model.epoch ?? 0,
  };
  const content = await makeManifest({
    config,
    model: utf8.encode(JSON.stringify(model).padEnd(600, ' ')),
    spec: utf8.encode(SPEC),
    golden: encodeGolden({
      inputs: [{ x: vector(0) }],
      outputs: [{ y: vector(model.version) }],
      tolerance: { absolute: 1e-6, relative: 0 },
    }),
    recipe: utf8.encode('{}'),
  });
  return { ...content, version: model.version, targetPath: targetPath(config) };
}

const SLOW_MS = 20;
const never = new Promise<never>(() => undefined);

/** Runs toy models in this process, or tests them. */
export function toyRuntime(use: 'serve' | 'test' = 'serve'): Runtime {
  return {
    name: 'toy',
    runs: 'onnxruntime',
    version: '1',
    maxOpset: TOY_OPSET,
    providers: ['cpu'],
    async load(bytes: Uint8Array) {
      const model = JSON.parse(new TextDecoder().decode(bytes)) as ToyModel;
      if (model.fault === 'crash-on-load') throw new Error('the toy does not load');
      if (model.fault === 'hang-on-load' && use === 'serve') return never;
      return toySession(model);
    },
  };
}

function toySession({ version, fault }: ToyModel): Session {
  return {
    inputs: [{ name: 'x', type: 'FP32', shape: [1] }],
    outputs: [{ name: 'y', type: 'FP32', shape: [1] }],
    runtime: 'toy',
    provider: 'cpu',
    fallbacks: [],
    async run({ x }: Tensors): Promise<Tensors> {
      const served = x?.data[0] !== 0;
      if (fault === 'fail-on-run' && served) throw new Error('the toy broke');
      if (fault === 'hang-on-run' && served) return never;
      if (fault === 'slow-on-run' && served) await setTimeout(SLOW_MS);
      return { y: vector(fault === 'wrong-output' ? version + 1 : version) };
    },
    dispose: async () => undefined,
  };
}
