import { FlotillaError } from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import type { LoadOptions, Runtime } from './runtime.ts';
import { describeFallbacks, loadWithFallback, planAttempts, whyNoneFits } from './runtimes.ts';

const NO_MODEL = new Uint8Array();

/** A runtime with these providers, of which some fail with their reasons. */
function runtime(
  name: string,
  providers: readonly string[],
  { failing = {}, maxOpset = 21, loads = [] as LoadOptions[], refuses = '' } = {} as {
    failing?: Readonly<Record<string, string>>;
    maxOpset?: number;
    loads?: LoadOptions[];
    refuses?: string;
  },
): Runtime {
  return {
    name,
    runs: name === 'tflite' ? 'tflite' : 'onnxruntime',
    version: '1.0',
    maxOpset,
    providers,
    async load(_, options = {}) {
      loads.push(options);
      const [provider = ''] = options.providers ?? [];
      const reason = providers.includes(provider) ? failing[provider] : 'not in this build';
      if (refuses && provider === 'cpu') {
        throw new FlotillaError('runtime.load-failed', { reason: refuses });
      }
      if (reason !== undefined) {
        const tried = `${provider}: ${reason}`;
        throw new FlotillaError('runtime.no-provider', { tried, available: providers.join() });
      }
      return {
        inputs: [],
        outputs: [],
        runtime: name,
        provider,
        fallbacks: [],
        run: async () => ({}),
        dispose: async () => undefined,
      };
    },
  };
}

const NEED = { name: 'onnxruntime', opset: 17 } as const;
const bundled = runtime('onnxruntime', ['webgpu', 'cpu'], { maxOpset: 26 });
const jetson = runtime('onnxruntime-device', ['tensorrt', 'cuda', 'cpu'], { maxOpset: 17 });
const tflite = runtime('tflite', ['cpu'], { maxOpset: 3 });

const order = (providers?: readonly string[]) =>
  planAttempts([bundled, jetson], providers).map((one) => `${one.runtime.name}/${one.provider}`);

describe('the order of attempts', () => {
  test('auto takes GPU providers that are there, best first, and then the CPU of the first runtime', () => {
    const auto = [
      'onnxruntime-device/tensorrt',
      'onnxruntime-device/cuda',
      'onnxruntime/cpu',
      'onnxruntime-device/cpu',
    ];
    expect(order()).toEqual(auto);
    expect(order(['auto'])).toEqual(auto);
  });

  test('auto tries no provider that no runtime lists; one that is named is tried all the same', () => {
    const names = (providers: string[]) =>
      planAttempts([bundled], providers).map(({ provider }) => provider);
    expect(names(['auto'])).toEqual(['cpu']);
    expect(names(['cuda', 'auto'])).toEqual(['cuda', 'cpu']);
  });
});

describe('a model on several runtimes', () => {
  test('the session tells which runtime and provider took it, and why others did not', async () => {
    const failing = { tensorrt: 'libnvinfer.so is missing' };
    const device = runtime('onnxruntime-device', ['tensorrt', 'cuda', 'cpu'], { failing });
    const session = await loadWithFallback([bundled, device, tflite], NEED, NO_MODEL);
    expect(session).toMatchObject({ runtime: 'onnxruntime-device', provider: 'cuda' });
    expect(describeFallbacks(session.fallbacks)).toEqual([
      'onnxruntime-device/tensorrt: libnvinfer.so is missing',
    ]);
  });

  test('settings reach the runtime, one provider at a time', async () => {
    const loads: LoadOptions[] = [];
    const options = { threads: 2, cacheFolder: '/cache', precision: 'fp16' };
    await loadWithFallback([runtime('onnxruntime', ['cpu'], { loads })], NEED, NO_MODEL, options);
    expect(loads).toEqual([{ ...options, providers: ['cpu'] }]);
  });

  test('a newer opset than the device library knows goes to the one that knows it', async () => {
    const need = { name: 'onnxruntime', opset: 22 } as const;
    const session = await loadWithFallback([bundled, jetson], need, NO_MODEL);
    expect(session).toMatchObject({ runtime: 'onnxruntime', provider: 'cpu' });
    expect(describeFallbacks(session.fallbacks)).toEqual([
      'onnxruntime-device: it ends at opset 17, and the model needs 22',
    ]);
  });

  test('a model that every CPU refuses is refused with its reason', async () => {
    const broken = runtime('onnxruntime', ['cpu'], { refuses: 'no graph' });
    await expect(loadWithFallback([broken], NEED, NO_MODEL)).rejects.toMatchObject({
      code: 'runtime.load-failed',
      context: { reason: 'no graph' },
    });
  });

  test('without the CPU in the list, the error tells all that was tried', async () => {
    const loading = loadWithFallback([bundled], NEED, NO_MODEL, { providers: ['cuda'] });
    await expect(loading).rejects.toThrow('cuda: not in this build');
  });
});

describe('a model that no runtime here runs', () => {
  test('the reason names the runtimes that were considered', async () => {
    expect(whyNoneFits([bundled, tflite], NEED)).toBeUndefined();
    expect(whyNoneFits([bundled], { name: 'tflite', opset: 3 })).toBe(
      'it needs tflite, and the runtimes here are onnxruntime',
    );
    const late = { name: 'onnxruntime', opset: 30 } as const;
    expect(whyNoneFits([bundled, jetson, tflite], late)).toBe(
      'it needs opset 30, and onnxruntime 1.0 ends at 26, onnxruntime-device 1.0 ends at 17',
    );
    await expect(loadWithFallback([bundled], late, NO_MODEL)).rejects.toMatchObject({
      code: 'runtime.none-fits',
    });
  });
});
