/** What hangs holds up nothing: neither the next deployment nor the start of the agent. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { bedOptions, bedPorts } from '../testing/core-bed.ts';
import { startWatched, type WatchedAgent, type WatchedOptions } from '../testing/watched-agent.ts';
import { type Agent, startAgent } from './agent.ts';
import type { AgentPorts } from './assemble.ts';
import { openJournal } from './journal.ts';
import { attemptIn, installedOf } from './steps/context.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options?: WatchedOptions): Promise<WatchedAgent> {
  const watched = await startWatched(options);
  stops.push(() => watched.agent.stop());
  return watched;
}

const fast = { interval: 2, timeout: 20_000 };
const untilAborted = (signal: AbortSignal | undefined) =>
  new Promise<never>((_resolve, reject) => {
    const fail = () => reject(new Error('aborted'));
    if (signal?.aborted) fail();
    else signal?.addEventListener('abort', fail, { once: true });
  });

/** Ports that hang from the moment that a test says so, until the step is given up. */
function hanging() {
  const now = { selfTest: false, body: false, began: 0 };
  const ports = (bed: AgentPorts): AgentPorts => ({
    ...bed,
    selfTester: {
      test(request, signal) {
        if (!now.selfTest) return bed.selfTester.test(request, signal);
        now.began++;
        return untilAborted(signal);
      },
    },
    fetcher: {
      async get(url, options) {
        const response = await bed.fetcher.get(url, options);
        if (!now.body || !url.includes('/blobs/')) return response;
        return { ...response, body: stalled(response.body, options?.signal) };
      },
    },
  });
  async function* stalled(body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    for await (const chunk of body) {
      yield chunk.subarray(0, 1);
      now.began++;
      await untilAborted(signal);
    }
  }
  return { now, ports };
}

/** So long a sleep passes at once, in case it is the moment for that. */
function hurried(ports: AgentPorts, longMs: number, isNow = () => true): AgentPorts {
  const sleep: typeof ports.clock.sleep = (milliseconds, signal) =>
    ports.clock.sleep(milliseconds === longMs && isNow() ? 1 : milliseconds, signal);
  return { ...ports, clock: { ...ports.clock, sleep } };
}

const SUPERSEDED = { result: 'RESULT_FAILED', code: 'deployment.superseded' };

describe('a deployment that is stuck', () => {
  test.each(['selfTest', 'body'] as const)('in its %s gives way to the next', async (what) => {
    const { now, ports } = hanging();
    const watched = await start({ ports });
    now[what] = true;
    await watched.want({ version: 2 });
    await vi.waitFor(() => expect(now.began).toBe(1), fast);
    now[what] = false;
    await watched.want({ version: 3 });
    expect(await watched.outcome(3)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(watched.fleet.outcomes()[1]).toMatchObject(SUPERSEDED);
    expect(await watched.answer()).toBe(3);
  });

  test('in loading gives way to the next, long before its time is over', async () => {
    const watched = await start({ steps: { loadTimeoutMs: 3_600_000 } });
    await watched.want({ version: 2, fault: 'hang-on-load' });
    const isLoading = () => expect(watched.agent.status().attempts.at(-1)?.step).toBe('activate');
    await vi.waitFor(isLoading, fast);
    expect(await watched.answer()).toBe(1);
    await watched.want({ version: 3 });
    expect(await watched.outcome(3)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(watched.fleet.outcomes()[1]).toMatchObject({ ...SUPERSEDED, step: 'activate' });
    expect(await watched.answer()).toBe(3);
  });

  test('in loading ends when its time is over, and the old model serves', async () => {
    const now = { isOver: false };
    const watched = await start({
      ports: (ports) => hurried(ports, 3_600_000, () => now.isOver),
      steps: { loadTimeoutMs: 3_600_000 },
    });
    now.isOver = true;
    await watched.want({ version: 2, fault: 'hang-on-load' });
    expect(await watched.outcome(2)).toMatchObject({
      result: 'RESULT_FAILED',
      step: 'activate',
      code: 'deployment.load-timeout',
      detail: expect.stringContaining('parts@2'),
    });
    expect(await watched.answer()).toBe(1);
  });
});

describe('a way back to a model that does not load any more', () => {
  /** An agent whose version 2 fails, and whose version 1 does not load from then on. */
  async function goingBack() {
    const now = { torn: false, loads: 0 };
    const watched = await start({
      ports(ports) {
        const runtimes = ports.runtimes.map((runtime) => ({
          ...runtime,
          async load(...[model, ...rest]: Parameters<typeof runtime.load>) {
            const isOld = Buffer.from(model).includes('"version":1');
            if (!isOld || !now.torn) return runtime.load(model, ...rest);
            now.loads++;
            throw new Error('torn');
          },
        }));
        // the seconds before a step is tried again
        return hurried({ ...ports, runtimes }, 15_000);
      },
    });
    await watched.want({ version: 2, fault: 'fail-on-run' }, 3_600_000);
    await watched.serves(2);
    now.torn = true;
    for (let i = 0; i < 3; i++) await expect(watched.answer()).rejects.toThrow('the toy broke');
    await vi.waitFor(() => expect(now.loads).toBeGreaterThan(2), fast);
    return { now, watched };
  }

  const ROLLED_BACK = { result: 'RESULT_ROLLED_BACK', code: 'deployment.errors' };

  test('is tried until it does', async () => {
    const { now, watched } = await goingBack();
    expect(watched.fleet.outcomes()).toHaveLength(1);
    now.torn = false;
    expect(await watched.outcome(2)).toMatchObject(ROLLED_BACK);
    expect(await watched.answer()).toBe(1);
  });

  test('gives way to what is wanted next', async () => {
    const { watched } = await goingBack();
    await watched.want({ version: 3 });
    expect(await watched.outcome(3)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(watched.fleet.outcomes()[1]).toMatchObject(ROLLED_BACK);
    expect(await watched.answer()).toBe(3);
  });
});

describe('a start', () => {
  /** An agent that is started anew with a model on trial that hangs in loading. */
  async function restart(loadTimeoutMs: number): Promise<{ agent: Agent; watched: WatchedAgent }> {
    const watched = await startWatched();
    const { fleet, storage } = watched;
    await watched.agent.stop();
    await watched.want({ version: 2, fault: 'hang-on-load' }, 3_600_000);
    // up to the step that loads it
    const before = await startAgent(bedPorts(storage, fleet), bedOptions(fleet));
    await vi.waitFor(() => expect(before.status().attempts.at(-1)?.step).toBe('activate'), fast);
    await before.stop();
    const journal = await openJournal(storage, fleet.root);
    await journal.update((draft) => {
      const wanted = draft.wanted.slots[0]?.active;
      if (wanted === undefined) throw new Error('nothing is wanted');
      attemptIn(draft, wanted).stage = 'activated';
      draft.slots.parts = { ...draft.slots.parts, trial: installedOf(wanted), trialStarts: 0 };
    });
    const options = bedOptions(fleet);
    const steps = { ...options.steps, loadTimeoutMs };
    const agent = await startAgent(bedPorts(storage, fleet), { ...options, steps });
    stops.push(() => agent.stop());
    return { agent, watched };
  }

  test('with a model on trial that hangs serves the committed one, and goes back to it', async () => {
    // enough for the committed one to be loaded on a busy machine
    const { agent, watched } = await restart(1000);
    expect(agent.model('parts')?.installed.version).toBe(1);
    expect(await watched.outcome(2)).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'deployment.load-timeout',
    });
  });

  test('with a committed model that hangs connects all the same, and takes the next one', async () => {
    const watched = await startWatched();
    const { fleet, storage } = watched;
    await watched.agent.stop();
    const options = bedOptions(fleet);
    const steps = { ...options.steps, loadTimeoutMs: 3_600_000 };
    const ports = bedPorts(storage, fleet);
    let loads = 0;
    const runtimes = ports.runtimes.map((runtime) => ({
      ...runtime,
      load: (...order: Parameters<typeof runtime.load>) =>
        loads++ === 0 ? new Promise<never>(() => undefined) : runtime.load(...order),
    }));
    // the seconds that a start waits
    const agent = await startAgent(hurried({ ...ports, runtimes }, 10_000), { ...options, steps });
    stops.push(() => agent.stop());
    expect(agent.slots).toEqual([]);
    await watched.want({ version: 2 });
    expect(await watched.outcome(2)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(agent.model('parts')?.installed.version).toBe(2);
  });

  test('does not wait for it for as long as it may take', async () => {
    const began = performance.now();
    const { agent, watched } = await restart(3_600_000);
    expect(performance.now() - began).toBeLessThan(9000);
    expect(agent.model('parts')?.installed.version).toBe(1);
    await vi.waitFor(() => expect(agent.status().online).toBe(true), fast);
    expect(watched.fleet.outcomes()).toHaveLength(1);
    await watched.want({ version: 3 });
    expect(await watched.outcome(3)).toMatchObject({ result: 'RESULT_COMMITTED' });
    expect(agent.model('parts')?.installed.version).toBe(3);
  });
});
