import { describe, expect, test, vi } from 'vitest';
import { bedOptions, bedPorts } from '../testing/core-bed.ts';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createSmallDisk, type SmallDisk } from '../testing/small-disk.ts';
import { createTestFleet } from '../testing/test-fleet.ts';
import { makeToyBundle, type ToyBundle } from '../testing/toy-model.ts';
import { type Agent, startAgent } from './agent.ts';
import type { DiskQuota } from './steps/room.ts';

const fast = { interval: 1, timeout: 10_000 };
const input = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(0) } };

const sizeOf = ({ manifestBytes, blobs }: ToyBundle) =>
  [...blobs.values()].reduce((sum, { length }) => sum + length, manifestBytes.length);

/** A device whose bundles may take so many bytes. */
async function bed(diskQuota: DiskQuota) {
  const fleet = createTestFleet();
  const disk = createSmallDisk(createPowerCutStorage(), ['.', 'blobs', 'outbox']);
  const options = bedOptions(fleet);
  const steps = { ...options.steps, diskQuota };
  const log: string[] = [];
  const start = () => startAgent(bedPorts(disk, fleet, log), { ...options, steps });
  const agent = await start();
  const want = async (version: number, keep: readonly ToyBundle[] = []): Promise<ToyBundle> => {
    const bundle = await makeToyBundle({ version });
    fleet.publishBundle(bundle);
    const active = fleet.deployment(bundle);
    const digests = keep.map(({ digest }) => digest);
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }], keep: digests });
    await vi.waitFor(() => expect(fleet.outcomes().at(-1)?.deployment).toBe(active.id), fast);
    return bundle;
  };
  return { fleet, disk, agent, want, log, start };
}

async function served(agent: Agent): Promise<number> {
  const { outputs } = await agent.infer('parts', input);
  return Number(outputs.y?.data[0]);
}

const parts = async (disk: SmallDisk) =>
  (await disk.list('blobs')).filter((name) => name.endsWith('.part'));

describe('disk quota', () => {
  test('is kept by removing the oldest bundle that nothing needs', async () => {
    const { fleet, disk, agent, want } = await bed(2 * sizeOf(await makeToyBundle({ version: 9 })));
    const first = await want(1);
    const second = await want(2, [first]);
    expect(await disk.list('blobs')).toContain(first.digest.slice('sha256:'.length));
    await want(3);
    expect(fleet.outcomes().at(-1)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(await served(agent)).toBe(3);
    await vi.waitFor(async () => {
      const left = await disk.list('blobs');
      for (const { digest } of [first, second]) {
        expect(left).not.toContain(digest.slice('sha256:'.length));
      }
    }, fast);
    await agent.stop();
  });

  test('fails the step, and says how much is missing, rather than remove what is needed', async () => {
    const size = sizeOf(await makeToyBundle({ version: 9 }));
    const { fleet, disk, agent, want } = await bed(2 * size);
    const first = await want(1);
    const second = await want(2, [first]);
    await want(3, [first, second]);
    const outcome = fleet.outcomes().at(-1);
    expect(outcome).toMatchObject({
      result: 'RESULT_FAILED',
      step: 'download',
      code: 'download.disk-full',
    });
    const missing = Number(/(\d+) more than/.exec(outcome?.detail ?? '')?.[1]);
    expect(missing).toBeGreaterThan(size / 8);
    expect(missing).toBeLessThan(size);
    expect(await served(agent)).toBe(2);
    expect(await parts(disk)).toEqual([]);
    await agent.stop();
  });

  test('leaves a twentieth of the disk to others by itself', async () => {
    const { fleet, disk, agent, want } = await bed('auto');
    await want(1);
    disk.capacity = (await disk.used()) + 2 ** 30 / 20 + 1000;
    await want(2);
    expect(fleet.outcomes().at(-1)).toMatchObject({ code: 'download.disk-full' });
    disk.capacity += 10_000;
    await want(3);
    expect(await served(agent)).toBe(3);
    await agent.stop();
  });
});

test('a disk that is full at any byte leaves the old model or the new, and nothing half-written', async () => {
  const size = sizeOf(await makeToyBundle({ version: 9 }));
  for (let room = 1000; room < 2 * size; room += 500) {
    const { disk, agent, fleet, want, log, start } = await bed(1e9);
    await want(1);
    const bundle = await makeToyBundle({ version: 2 });
    fleet.publishBundle(bundle);
    const free = vi.spyOn(disk, 'free').mockResolvedValue(1e9);
    disk.capacity = (await disk.used()) + room;
    const active = fleet.deployment(bundle);
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
    await vi.waitFor(() => {
      const stuck = log.some((line) => /^(step cannot go on|message not stored)/.test(line));
      expect(stuck || hasEnded(agent, active.id)).toBe(true);
    }, fast);
    expect([1, 2]).toContain(await served(agent));
    expect(await parts(disk)).toEqual([]);
    disk.capacity = Number.POSITIVE_INFINITY;
    free.mockRestore();
    await agent.stop();
    const again = await start();
    await vi.waitFor(() => expect(hasEnded(again, active.id)).toBe(true), fast);
    const committed = again.status().slots[0]?.active?.version;
    expect(await served(again)).toBe(committed);
    await again.stop();
  }
});

const hasEnded = (agent: Agent, id: string | undefined): boolean =>
  agent
    .status()
    .attempts.some(
      ({ deployment, result }) => deployment === id && result !== 'RESULT_IN_PROGRESS',
    );
