/** Activations that the device undoes by itself, because of what it sees while it watches them. */
import { afterEach, describe, expect, test } from 'vitest';
import { startWatched, type WatchedAgent, type WatchedOptions } from '../testing/watched-agent.ts';
import { LOOKS } from './steps/watch-judges.ts';

const agents: WatchedAgent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map(({ agent }) => agent.stop()));
});

async function start(options?: WatchedOptions): Promise<WatchedAgent> {
  const watched = await startWatched(options);
  agents.push(watched);
  return watched;
}

const HOUR_MS = 3_600_000;
const MIB = 1 << 20;

describe('a watched model', () => {
  test('that nobody asks anything is committed when its time is over', async () => {
    const watched = await start();
    await watched.want({ version: 2, fault: 'slow-on-run' }, 30);
    expect(await watched.outcome(2)).toMatchObject({ result: 'RESULT_COMMITTED' });
  });

  test('goes back when its runs are much slower than in the self-test', async () => {
    const watched = await start();
    await watched.want({ version: 2, fault: 'slow-on-run' }, HOUR_MS);
    await watched.serves(2);
    const served: number[] = [];
    while (served.at(-1) !== 1) served.push(await watched.answer());
    expect(served.length).toBeGreaterThan(20);
    expect(await watched.outcome(2)).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      step: 'watch',
      code: 'deployment.slow',
    });
  });

  test('stays where the server says how much slower it may be', async () => {
    const watched = await start();
    const { fleet } = watched;
    await watched.want({ version: 2, fault: 'slow-on-run' }, HOUR_MS, { watchLatencyFactor: 1e9 });
    await watched.serves(2);
    for (let i = 0; i < 30; i++) expect(await watched.answer()).toBe(2);
    expect(fleet.outcomes()).toHaveLength(1);
  });

  test('goes back when calls wait and none ends, and the old one answers', async () => {
    const watched = await start({
      steps: { watch: { latencyFactor: 4, memoryBytes: MIB, hungMs: 40 } },
    });
    await watched.want({ version: 2, fault: 'hang-on-run' }, HOUR_MS);
    await watched.serves(2);
    watched.answer().catch(() => undefined);
    expect(await watched.outcome(2)).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'deployment.hung',
    });
    expect(await watched.answer()).toBe(1);
    expect(watched.agent.unresponsive()).toEqual([]);
  });

  test('goes back when the agent grows by more than it states, and not for a spike', async () => {
    const memory = { rss: 100 * MIB, looks: 0, spike: 0 };
    const rssBytes = () => {
      memory.looks++;
      return memory.looks === memory.spike ? 900 * MIB : memory.rss;
    };
    const watched = await start({
      ports: (ports) => ({ ...ports, device: { ...ports.device, rssBytes } }),
    });
    await watched.want({ version: 2 }, HOUR_MS);
    await watched.serves(2);
    memory.spike = memory.looks + 5;
    await expect.poll(() => memory.looks).toBeGreaterThan(memory.spike + 2 * LOOKS);
    expect(watched.fleet.outcomes()).toHaveLength(1);
    // the toy states 1 MiB, and 128 MiB is the margin
    memory.rss += 130 * MIB;
    expect(await watched.outcome(2)).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'deployment.memory',
      detail: expect.stringContaining(`${130 * MIB} bytes`),
    });
    expect(await watched.answer()).toBe(1);
  });
});
