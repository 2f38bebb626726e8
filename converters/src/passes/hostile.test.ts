import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { readOnnx } from '../formats/onnx/read.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import { int, ints } from '../ir/attributes.ts';
import type { Attribute, Model } from '../ir/graph.ts';
import { float32Tensor, int64Tensor, type TensorValue } from '../ir/tensor.ts';
import { OPERATORS } from '../ops/operators.ts';
import { toFloat16 } from '../quantize/fp16.ts';
import { smallNet } from '../testing/small-net.ts';
import { FIXTURES } from './fixtures/index.ts';
import { runPasses } from './index.ts';

const MODELS = [...Object.values(FIXTURES), () => smallNet(1)];

const SEED = 7;

/** The long suites try more. */
const MORE = process.env.FLOTILLA_LONG ? 50 : 1;

/** Whatever a file holds, it is worked on or refused: nothing else may happen. */
async function survives(make: () => Model): Promise<void> {
  try {
    const model = make();
    await runPasses(model);
    toFloat16(model);
    writeOnnx(model);
  } catch (error) {
    if (!isFlotillaError(error) || error.code === 'model.pass-failed') throw error;
  }
}

describe('passes over models that make no sense', { timeout: MORE * 60_000 }, () => {
  it('from files with damaged bytes', async () => {
    const files = MODELS.map((make) => writeOnnx(make()));
    const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    const property = fc.asyncProperty(fc.constantFrom(...files), damage, async (file, changes) => {
      const bytes = file.slice();
      for (const [where, value] of changes) bytes[Math.floor(where * (bytes.length - 1))] = value;
      await survives(() => readOnnx(bytes, { file: 'model.onnx' }));
    });
    await fc.assert(property, { numRuns: 300 * MORE, seed: SEED });
  });

  it('with operators, attributes and constants swapped for others', async () => {
    const op = fc.constantFrom(...Object.keys(OPERATORS));
    const wild = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const number = fc.oneof(fc.integer({ min: -6, max: 6 }).map(BigInt), wild);
    const name = fc.constantFrom(
      'axis',
      'axes',
      'perm',
      'to',
      'pads',
      'strides',
      'kernel_shape',
      'group',
      'keepdims',
      'k',
      'start',
      'end',
      'split',
    );
    const attribute: fc.Arbitrary<Attribute> = fc.oneof(
      number.map(int),
      fc.array(number, { maxLength: 5 }).map(ints),
    );
    const constant: fc.Arbitrary<TensorValue> = fc.oneof(
      fc.array(number, { maxLength: 5 }).map((values) => int64Tensor([values.length], values)),
      fc
        .array(fc.float(), { maxLength: 5 })
        .map((values) => float32Tensor([values.length], values)),
      fc.constant({
        dtype: 'string',
        dims: [1],
        bytes: new Uint8Array(),
        strings: [new Uint8Array()],
      } as const),
    );
    const change = fc.record({ at: fc.nat(), op, name, attribute, constant });
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(fc.constantFrom(...MODELS), changes, (make, list) =>
      survives(() => {
        const model = make();
        for (const each of list) spoil(model, each);
        return model;
      }),
    );
    await fc.assert(property, { numRuns: 1000 * MORE, seed: SEED });
  });
});

interface Change {
  readonly at: number;
  readonly op: string;
  readonly name: string;
  readonly attribute: Attribute;
  readonly constant: TensorValue;
}

function spoil({ graph }: Model, { at, op, name, attribute, constant }: Change): void {
  const node = graph.nodes[at % graph.nodes.length]!;
  if (at % 2 === 0) node.op = op;
  node.attributes.set(name, attribute);
  const names = [...graph.initializers.keys()];
  const victim = names[at % Math.max(1, names.length)];
  if (victim !== undefined) graph.initializers.set(victim, constant);
  const given = `given_${graph.initializers.size}`;
  graph.initializers.set(given, constant);
  if (at % 3 === 0) node.inputs = node.inputs.map(() => given);
  if (at % 5 === 0) node.inputs.push(given);
}
