import { type Agent, type AgentPorts, type Place, startAgent } from '../core/index.ts';
import { loadLaunch, storeLaunch } from '../core/self-update/launch-file.ts';
import { EXIT_RELAUNCH } from '../core/self-update/launch-state.ts';
import { afterEnding, beforeStart } from '../node/launcher/decide.ts';
import { bedOptions, bedPorts } from './core-bed.ts';
import type { PowerCutStorage } from './power-cut-storage.ts';
import type { TestFleet } from './test-fleet.ts';

/** Programs of a device by the place that they lie in; a power cut leaves them, for they are synced. */
export type Programs = Map<Place, string>;

export interface TestLauncherOptions {
  readonly programs?: Programs;
  /** Programs that end as soon as they are started. */
  readonly crashing?: readonly string[];
  /** What one of the programs does otherwise than the others. */
  readonly ports?: (program: string, ports: AgentPorts) => AgentPorts;
}

/** Starts agents in this process as the launcher starts them in others. */
export interface TestLauncher {
  readonly agent: Agent | undefined;
  /** What the agent that runs now is. */
  readonly program: string | undefined;
  readonly starts: number;
  /** Resolves when the power is gone, or after `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export const INSTALLED_PROGRAM = '0.0.0';

export function createTestLauncher(
  fleet: TestFleet,
  storage: PowerCutStorage,
  options: TestLauncherOptions = {},
): TestLauncher {
  const { crashing = [], ports = (_, all) => all } = options;
  const programs: Programs = options.programs ?? new Map([['installed', INSTALLED_PROGRAM]]);
  const stopping = Promise.withResolvers<void>();
  let stopped = false;
  let agent: Agent | undefined;
  let program: string | undefined;
  let starts = 0;

  async function runOnce(wanted: Place, trial: string | undefined): Promise<void> {
    const place = programs.has(wanted) ? wanted : 'installed';
    program = programs.get(place);
    if (program === undefined || crashing.includes(program)) return;
    const relaunch = Promise.withResolvers<void>();
    const own = bedPorts(storage, fleet);
    const updater: AgentPorts['updater'] = {
      ...own.updater,
      ...{ obstacle: undefined, place, trial, relaunch: () => relaunch.resolve() },
      async install(into, layers) {
        programs.set(into, 'half');
        const text = await storage.read(layers.at(-1) ?? '');
        programs.set(into, new TextDecoder().decode(text));
      },
      check: async (at) => ({ version: programs.get(at) ?? '', protocolMinor: 1 }),
      async discard(at) {
        programs.delete(at);
      },
    };
    starts++;
    agent = await startAgent(ports(program, { ...own, updater }), bedOptions(fleet));
    await Promise.race([relaunch.promise, stopping.promise]);
    await agent.stop();
    agent = undefined;
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      const read = await loadLaunch(storage);
      const state = beforeStart(read);
      if (state !== read) await storeLaunch(storage, state);
      await runOnce(state.trial?.place ?? state.active, state.trial?.id);
      const now = await loadLaunch(storage);
      const ending = { by: stopped ? 'stop' : 'itself', code: EXIT_RELAUNCH } as const;
      const decision = afterEnding(state, now, ending);
      if (decision.state !== now) await storeLaunch(storage, decision.state);
      if (!stopped && typeof decision.next === 'object') throw new Error('ended without a cause');
    }
  }

  const ended = loop().catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'PowerCut')) throw error;
  });
  return {
    get agent() {
      return agent;
    },
    get program() {
      return agent === undefined ? undefined : program;
    },
    get starts() {
      return starts;
    },
    ended,
    async stop() {
      stopped = true;
      stopping.resolve();
      await ended;
    },
  };
}
