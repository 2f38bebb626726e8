import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { bedFetcher, bedOptions, bedPorts } from '../../testing/core-bed.ts';
import { createPowerCutStorage } from '../../testing/power-cut-storage.ts';
import { createTestFleet, type TestFleet } from '../../testing/test-fleet.ts';
import { makeToyBundle } from '../../testing/toy-model.ts';
import { type Agent, startAgent } from '../agent.ts';
import type { Fetcher } from '../ports.ts';

let agent: Agent | undefined;
afterEach(() => agent?.stop());

/** Answers in two pieces, so slowly that downloads side by side meet. */
function slowFetcher(fleet: TestFleet): Fetcher {
  const plain = bedFetcher(fleet);
  async function* slowly(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      yield chunk.subarray(0, 1);
      await setTimeout(10);
      yield chunk.subarray(1);
    }
  }
  return {
    async get(url, options) {
      const response = await plain.get(url, options);
      return { ...response, body: slowly(response.body) };
    },
  };
}

test('two bundles that come at once may have blobs in common', async () => {
  const fleet = createTestFleet();
  const names = ['caps', 'parts'];
  const slots = await Promise.all(
    names.map(async (name) => {
      const bundle = await makeToyBundle({ version: 1, name });
      fleet.publishBundle(bundle);
      const active = fleet.deployment(bundle, { model: name, watchMs: 0 });
      return { name, mode: 'MODE_PRESENT' as const, active };
    }),
  );
  fleet.want({ slots });
  const ports = bedPorts(createPowerCutStorage(), fleet);
  agent = await startAgent({ ...ports, fetcher: slowFetcher(fleet) }, bedOptions(fleet));
  await vi.waitFor(() => expect(fleet.outcomes()).toHaveLength(2), {
    interval: 2,
    timeout: 10_000,
  });
  const committed = { result: 'RESULT_COMMITTED', detail: '' };
  expect(fleet.outcomes()).toMatchObject([committed, committed]);
  expect(agent.slots).toEqual(names);
});
