import { AGENT_SLOT, FlotillaError } from '@flotilla/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bedOptions, bedPorts } from '../../testing/core-bed.ts';
import {
  createPowerCutStorage,
  type Loss,
  type PowerCutStorage,
} from '../../testing/power-cut-storage.ts';
import { createTestFleet, type SignedBundle, type TestFleet } from '../../testing/test-fleet.ts';
import {
  createTestLauncher,
  INSTALLED_PROGRAM,
  type Programs,
  type TestLauncher,
  type TestLauncherOptions,
} from '../../testing/test-launcher.ts';
import { makeToyBundle } from '../../testing/toy-model.ts';
import { makeToyRelease } from '../../testing/toy-release.ts';
import { startAgent } from '../agent.ts';
import type { Storage } from '../ports.ts';
import { loadLaunch } from './launch-file.ts';

const fast = { interval: 2, timeout: 10_000 };
const LOSSES: readonly Loss[] = ['nothing', 'names', 'torn'];

let fleet: TestFleet;
let storage: PowerCutStorage;
let parts: SignedBundle;
const launchers: TestLauncher[] = [];

beforeEach(async () => {
  fleet = createTestFleet();
  storage = createPowerCutStorage();
  parts = await makeToyBundle({ version: 1 });
  fleet.publishBundle(parts);
});
afterEach(async () => {
  await Promise.all(launchers.splice(0).map((launcher) => launcher.stop()));
});

function start(options: TestLauncherOptions = {}, from = storage): TestLauncher {
  const launcher = createTestLauncher(fleet, from, options);
  launchers.push(launcher);
  return launcher;
}

const slotOf = (name: string, bundle: SignedBundle, watchMs = 3) => ({
  name,
  mode: 'MODE_PRESENT' as const,
  active: fleet.deployment(bundle, { model: name, watchMs }),
});

/** A model, which the device gets first, and then releases one after the other. */
async function wantParts(launcher: TestLauncher): Promise<void> {
  fleet.want({ slots: [slotOf('parts', parts)] });
  await vi.waitFor(() => expect(launcher.agent?.slots).toEqual(['parts']), fast);
  await vi.waitFor(() => expect(fleet.outcomes()).toHaveLength(1), fast);
}

async function wantRelease(
  number: number,
  fields: object = {},
  watchMs = 3,
): Promise<SignedBundle> {
  const release = await makeToyRelease(number, fields);
  fleet.publishBundle(release);
  fleet.want({ slots: [slotOf(AGENT_SLOT, release, watchMs)] });
  return release;
}

/** How the deployments of releases ended. */
const endings = (count: number) =>
  vi.waitFor(() => {
    const found = fleet.outcomes().filter(({ slot }) => slot === AGENT_SLOT);
    expect(found.length).toBeGreaterThanOrEqual(count);
    return found;
  }, fast);

/** The next time that the journal is written fails. */
function withoutNextJournal(storage: Storage): Storage {
  let failed = false;
  return {
    ...storage,
    async write(path, bytes) {
      const fails = !failed && path.startsWith('journal.json');
      failed ||= fails;
      if (fails) throw new FlotillaError('storage.full', { file: path });
      return storage.write(path, bytes);
    },
  };
}

const program = (launcher: TestLauncher, expected: string) =>
  vi.waitFor(() => expect(launcher.program).toBe(expected), fast);

describe('a release of the agent', () => {
  test('takes the place of the agent, and its models go on', async () => {
    const launcher = start();
    await wantParts(launcher);
    await wantRelease(1);
    expect(await endings(1)).toMatchObject([{ result: 'RESULT_COMMITTED', step: 'commit' }]);
    await program(launcher, '0.1.0');
    expect(await loadLaunch(storage)).toEqual({ format: 1, active: 'a' });
    expect(launcher.agent?.slots).toEqual(['parts']);
    const { slots, release } = launcher.agent?.status() ?? {};
    expect(slots?.map(({ slot }) => slot)).toEqual(['parts']);
    expect(release?.active).toMatchObject({ model: AGENT_SLOT, version: 1 });
    await vi.waitFor(
      () => expect(fleet.state?.active).toContainEqual(expect.objectContaining({ version: 1 })),
      fast,
    );
  });

  test('goes into the other folder each time', async () => {
    const launcher = start();
    for (const [number, place] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'a'],
    ] as const) {
      await wantRelease(number);
      await endings(number);
      await program(launcher, `0.${number}.0`);
      expect((await loadLaunch(storage)).active).toBe(place);
    }
  });

  test('that crashes gives way to the one before, which tells why', async () => {
    const launcher = start({ crashing: ['0.2.0'] });
    await wantRelease(1);
    await endings(1);
    await wantRelease(2);
    expect((await endings(2))[1]).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'update.crashed',
      step: 'watch',
    });
    await program(launcher, '0.1.0');
    expect(launcher.agent?.status().release?.active?.version).toBe(1);
  });

  test('that crashes is not tried again where its failure could not be written at once', async () => {
    let starts = 0;
    const launcher = start({
      crashing: ['0.1.0'],
      ports: (_, ports) =>
        ++starts === 2 ? { ...ports, storage: withoutNextJournal(ports.storage) } : ports,
    });
    await wantRelease(1);
    expect(await endings(1)).toMatchObject([
      { result: 'RESULT_ROLLED_BACK', code: 'update.crashed' },
    ]);
    expect(launcher.starts).toBe(2);
  });

  test('that crashes is not taken for the proven one, where that cannot be started', async () => {
    const programs: Programs = new Map([['installed', INSTALLED_PROGRAM]]);
    const whole = start({ programs });
    await wantRelease(1);
    await endings(1);
    await program(whole, '0.1.0');
    await whole.stop();
    programs.delete('a');
    const launcher = start({ programs, crashing: ['0.2.0'] });
    await program(launcher, INSTALLED_PROGRAM);
    await wantRelease(2);
    expect((await endings(2))[1]).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'update.crashed',
    });
    await program(launcher, INSTALLED_PROGRAM);
  });

  test('under which a model does not run any more gives way to the one before', async () => {
    const launcher = start({
      ports: (running, ports) => (running === '0.1.0' ? { ...ports, runtimes: [] } : ports),
    });
    await wantParts(launcher);
    await wantRelease(1);
    expect(await endings(1)).toMatchObject([
      { result: 'RESULT_ROLLED_BACK', code: 'update.slots-lost', detail: expect.any(String) },
    ]);
    await program(launcher, INSTALLED_PROGRAM);
    expect(launcher.agent?.slots).toEqual(['parts']);
  });

  test('is not committed before it reached its server', async () => {
    const away = vi.fn(() => Promise.reject(new Error('no way out')));
    const launcher = start({
      ports: (running, ports) =>
        running === '0.1.0' ? { ...ports, transport: { connect: away } } : ports,
    });
    await wantRelease(1);
    await program(launcher, '0.1.0');
    await vi.waitFor(() => expect(away.mock.calls.length).toBeGreaterThan(3), fast);
    expect((await loadLaunch(storage)).trial?.place).toBe('a');
    expect(fleet.outcomes()).toEqual([]);
  });

  test('that is wanted no more while it is on trial gives way to the one that is', async () => {
    const launcher = start();
    await wantRelease(1, {}, 3_600_000);
    await program(launcher, '0.1.0');
    await wantRelease(2);
    expect(await endings(2)).toMatchObject([
      { result: 'RESULT_ROLLED_BACK', code: 'deployment.superseded' },
      { result: 'RESULT_COMMITTED' },
    ]);
    await program(launcher, '0.2.0');
  });

  test('that runs already is not started again', async () => {
    const launcher = start();
    const release = await wantRelease(1);
    await endings(1);
    await program(launcher, '0.1.0');
    const { starts } = launcher;
    fleet.want({ slots: [slotOf(AGENT_SLOT, release)] });
    expect((await endings(2))[1]).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(launcher.starts).toBe(starts);
  });

  test('is removed: the agent that was installed is back', async () => {
    const launcher = start();
    await wantRelease(1);
    await endings(1);
    fleet.want({ slots: [{ name: AGENT_SLOT, mode: 'MODE_ABSENT' }] });
    expect((await endings(2))[1]).toMatchObject({ result: 'RESULT_REMOVED' });
    await program(launcher, INSTALLED_PROGRAM);
    expect(await loadLaunch(storage)).toEqual({ format: 1, active: 'installed' });
    expect(launcher.agent?.status().release).toBeUndefined();
  });

  test('for another processor is refused', async () => {
    const launcher = start();
    await wantRelease(1, { arch: 'arm64' });
    expect(await endings(1)).toMatchObject([
      { result: 'RESULT_FAILED', code: 'deployment.unfit', step: 'verify' },
    ]);
    expect(launcher.program).toBe(INSTALLED_PROGRAM);
  });

  test('that says another version of itself than its bundle does is not activated', async () => {
    const check = async () => ({ version: '9.9.9', protocolMinor: 1 });
    const launcher = start({
      ports: (_, ports) => ({ ...ports, updater: { ...ports.updater, check } }),
    });
    await wantRelease(1);
    expect(await endings(1)).toMatchObject([
      { result: 'RESULT_FAILED', code: 'update.check-failed', step: 'selfTest' },
    ]);
    expect(launcher.starts).toBe(1);
  });

  test('is refused by an agent that nothing starts anew, before anything is fetched', async () => {
    const release = await wantRelease(1);
    for (const blob of release.blobs.keys()) fleet.missing.add(blob);
    const agent = await startAgent(bedPorts(storage, fleet), bedOptions(fleet));
    expect(await endings(1)).toMatchObject([
      { result: 'RESULT_FAILED', code: 'update.no-launcher', step: 'download' },
    ]);
    await agent.stop();
  });

  test('is no model, and a model is no release', async () => {
    const launcher = start();
    fleet.want({ slots: [slotOf(AGENT_SLOT, parts)] });
    expect(await endings(1)).toMatchObject([{ result: 'RESULT_FAILED', code: 'bundle.invalid' }]);
    const release = await makeToyRelease(1);
    fleet.publishBundle(release);
    fleet.want({ slots: [{ ...slotOf(AGENT_SLOT, release), name: 'parts' }] });
    await vi.waitFor(() => expect(fleet.outcomes()).toHaveLength(2), fast);
    expect(fleet.outcomes()[1]).toMatchObject({ slot: 'parts', code: 'bundle.invalid' });
    expect(launcher.program).toBe(INSTALLED_PROGRAM);
  });
});

/** Whether the agent that runs is of the first release, and proven. */
function committed({ agent }: TestLauncher): boolean {
  const { release } = agent?.status() ?? {};
  return release?.active?.version === 1 && release.trial === undefined;
}

describe('a power cut', () => {
  test('at any operation of an update leads to the agent before or the new one', async () => {
    const programs: Programs = new Map([['installed', INSTALLED_PROGRAM]]);
    const first = start({ programs });
    await wantParts(first);
    await first.stop();
    const before = storage.restart('nothing');
    await wantRelease(1);
    const rehearsal = before.restart('nothing');
    const whole = start({}, rehearsal);
    await endings(1);
    await program(whole, '0.1.0');
    await whole.stop();

    for (let at = 0; at < rehearsal.operations; at++) {
      fleet.records.clear();
      const cut = before.restart('nothing');
      const places: Programs = new Map(programs);
      cut.cutAt(at);
      const dying = start({ programs: places }, cut);
      await vi.waitFor(() => {
        // not every run takes as many operations
        if (cut.operations < at) expect(committed(dying)).toBe(true);
      }, fast);
      cut.cut();
      await dying.stop();
      const back = start({ programs: places }, cut.restart(LOSSES[at % LOSSES.length] ?? 'torn'));
      await vi.waitFor(() => expect(back.agent?.slots).toEqual(['parts']), fast);
      await program(back, '0.1.0');
      await vi.waitFor(() => expect(committed(back)).toBe(true), fast);
      expect(fleet.outcomes().map(({ result }) => result)).not.toContain('RESULT_ROLLED_BACK');
      await back.stop();
    }
  }, 60_000);
});
