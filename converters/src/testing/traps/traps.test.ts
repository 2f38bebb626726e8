import { numbersOf, type Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { describe, expect, it } from 'vitest';
import { writeOnnx } from '../../formats/onnx/write.ts';
import { graphFault } from '../../ir/validate.ts';
import { TRAPS, type Trap } from './index.ts';

/** Share of samples that the float32 model gives their label. */
async function accuracyOf(trap: Trap, count: number): Promise<number> {
  const session = await ortRuntime().load(writeOnnx(trap.model()));
  try {
    let right = 0;
    for (const { input, label } of trap.samples(7, count)) {
      const feeds: Tensors = { input: { type: 'FP32', shape: trap.inputShape, data: input } };
      const { logits } = await session.run(feeds);
      const scores = logits ? Array.from(numbersOf(logits), Number) : [];
      right += Number(scores.indexOf(Math.max(...scores)) === label);
    }
    return right / count;
  } finally {
    await session.dispose();
  }
}

describe.each(TRAPS)('$name', (trap) => {
  it('is a sound model, the same each time', () => {
    const model = trap.model();
    expect(graphFault(model.graph)).toBeUndefined();
    expect(writeOnnx(model)).toEqual(writeOnnx(trap.model()));
    expect(trap.samples(3, 8)).toEqual(trap.samples(3, 8));
    expect(trap.samples(3, 8)).not.toEqual(trap.samples(4, 8));
  });
});

const CLASSIFIERS = TRAPS.filter((trap) => trap.samples(1, 1)[0]?.label !== undefined);

it.each(CLASSIFIERS)('$name is solved in float32', async (trap) => {
  expect(await accuracyOf(trap, 60)).toBeGreaterThan(0.9);
});
