/** What an agent refuses, and what serves meanwhile. */
import { describe, expect, test } from 'vitest';
import { createTestFleet, type TestFleet } from '../testing/test-fleet.ts';
import { answer, ended, present, publish, startToyAgent } from '../testing/toy-agent.ts';
import { makeToyBundle, type ToyBundle } from '../testing/toy-model.ts';

describe('an agent', () => {
  test.each([
    [
      { name: 'onnxruntime', minOpset: 22, opset: 22 } as const,
      'it needs opset 22, and toy 1 ends',
    ],
    [{ name: 'tflite', minOpset: 3, opset: 3 } as const, 'it needs tflite, and the runtimes here'],
  ])('refuses a bundle that none of its runtimes runs: %o', async (runtime, reason) => {
    const fleet = createTestFleet();
    const bundle = await makeToyBundle({ version: 1 }, 'x86-64', runtime);
    fleet.publishBundle(bundle);
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    await startToyAgent(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_FAILED',
        code: 'deployment.unfit',
        detail: expect.stringContaining(reason),
      },
    ]);
  });

  test.each([
    [
      'a wrong answer in the self-test',
      'wrong-output',
      'RESULT_FAILED',
      'deployment.self-test-failed',
    ],
    ['a crash in the self-test', 'crash-on-load', 'RESULT_FAILED', 'internal.unexpected'],
  ] as const)('keeps the old model after %s', async (_what, fault, result, code) => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    const bad = await publish(fleet, { version: 2, fault });
    fleet.want({ slots: [present(fleet.deployment(bad))] });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({ result, code });
    expect(await answer(agent)).toBe(1);
  });

  test('activates no model that takes more than the server allows, and reports what it takes', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    const big = fleet.deployment(await publish(fleet, { version: 2 }));
    fleet.want({ slots: [present(big)], config: { maxRssBytes: 1 << 19 } });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      result: 'RESULT_FAILED',
      step: 'selfTest',
      code: 'deployment.too-big',
      detail: expect.stringContaining('parts@2 took 1048576 bytes'),
      selfTest: { passed: true, rssBytes: 1 << 20, latencyP95Ms: expect.any(Number) },
    });
    expect(await answer(agent)).toBe(1);
  });

  test.each([
    [
      'that the repository does not name',
      'trust.rejected',
      (fleet: TestFleet, bundle: ToyBundle) =>
        fleet.deployment({ ...bundle, targetPath: 'parts/9/x86-64/int8' }),
    ],
    [
      'with another digest than was signed',
      'trust.rejected',
      (fleet: TestFleet, bundle: ToyBundle) =>
        fleet.deployment({ ...bundle, digest: `sha256:${'0'.repeat(64)}` }),
    ],
    [
      'whose blobs the server lacks',
      'download.not-found',
      (fleet: TestFleet, bundle: ToyBundle) => {
        for (const blob of bundle.blobs.keys()) fleet.missing.add(blob);
        return fleet.deployment(bundle);
      },
    ],
  ] as const)('refuses a bundle %s', async (_what, code, deploy) => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(deploy(fleet, bundle))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([{ result: 'RESULT_FAILED', step: 'download', code }]);
    expect(agent.slots).toEqual([]);
  });

  test('refuses a bundle of its own in the slot of another model', async () => {
    const fleet = createTestFleet();
    const deployment = fleet.deployment(await publish(fleet, { version: 1 }));
    fleet.want({ slots: [{ ...present(deployment), name: 'faces' }] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([
      { result: 'RESULT_FAILED', step: 'verify', code: 'bundle.invalid' },
    ]);
    expect(agent.slots).toEqual([]);
  });
});
