import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LiveServer, startLiveServer } from '../../../agent/src/testing/live-server.ts';
import { makePartsBundle } from '../../../agent/src/testing/parts-bundle.ts';
import { layOutAgent } from '../../../scripts/agent-package/pack.ts';
import { isArch } from '../../../scripts/agent-package/parts.ts';
import { until } from '../../support/until.ts';
import { type Packaged, startPackaged } from './packaged.ts';

/** A packed agent, enrolled with a broker and a server, that has committed one small model. */
export interface Bed {
  /** Starts it on the Unix socket; the model serves. */
  start(): Promise<Packaged>;
  readonly data: string;
  readonly socket: string;
  close(): Promise<void>;
}

export const SLOT = 'parts';

/** Connects the agent to a broker and a server that run in this process. */
export async function openBed(): Promise<Bed> {
  const { arch } = process;
  if (!isArch(arch)) throw new Error(`the agent is not packed for ${arch}`);
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-bench-'));
  const program = join(await layOutAgent(arch, join(folder, 'package')), 'flotilla-agent');
  const server = await startLiveServer();
  const data = join(folder, 'data');
  const socket = join(folder, 's');
  const claim = ['--server', server.api, '--token', 'clm_good', '--data', data];
  await promisify(execFile)(program, ['enroll', ...claim]);
  const start = () => startPackaged(program, ['--data', data, '--http', `unix:${socket}`], socket);
  await deploy(server, start);
  return {
    start,
    data,
    socket,
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function deploy({ fleet }: LiveServer, start: Bed['start']): Promise<void> {
  const bundle = await makePartsBundle(1);
  fleet.publishBundle(bundle);
  const active = fleet.deployment(bundle, { precision: 'fp32' });
  fleet.want({ slots: [{ name: SLOT, mode: 'MODE_PRESENT', active }] });
  const agent = await start();
  await until('the model is committed', () => fleet.outcomes().length > 0);
  await agent.stop();
}
