import type { AgentStatus } from '../../core/index.ts';
import { findAgent, jsonOf } from '../local-client.ts';
import { UNIT_NAME } from '../service/unit.ts';
import { type Check, type Finding, fail, ok, type Patient, warn } from './check.ts';

export const SYSTEM_CHECKS: readonly Check[] = [
  { name: 'system', run: checkSystem },
  { name: 'runtimes', run: checkRuntimes },
  { name: 'self-test', run: checkLimits },
  { name: 'ffmpeg', run: checkFfmpeg },
  { name: 'clock', run: checkClock },
  { name: 'service', run: checkService },
  { name: 'agent', run: checkAgent },
];

function checkSystem({ capabilities }: Patient): Finding {
  const { os, kernel, container, readOnlyRoot } = capabilities;
  const parts = [os, kernel, container && `in ${container}`, readOnlyRoot && 'read-only root'];
  return ok(parts.filter(Boolean).join(', ') || 'it does not tell');
}

function checkRuntimes({ runtimes, capabilities }: Patient): Finding {
  const { found, missing, ortLibrary } = runtimes;
  const what = found.map(
    ({ name, version, maxOpset, providers }) =>
      `${name} ${version}, opset ${maxOpset}, providers ${providers.join(' ')}`,
  );
  const lacks = missing.map(({ name, reason }) => `no ${name}: ${reason}`);
  const all = [...what, ...lacks].join('; ') || 'none found';
  if (found.length === 0) return fail(all, 'use the package of the agent for this platform');
  const gpu = found.some(({ providers }) => providers.includes('cuda'));
  if (capabilities.target.startsWith('jetson') && !gpu) {
    const remedy =
      "install the ONNX Runtime with CUDA of this board's JetPack, see docs/runtimes.md";
    return warn(`${all}; the GPU is not used`, remedy);
  }
  // only a Jetson needs a library of its own, or whoever names one
  const isNamed = ortLibrary !== 'auto' && ortLibrary !== 'none';
  if (missing.length === 0 || !isNamed) return ok(all);
  return warn(all, 'name another with --ort-library, or leave it out: models run without it');
}

async function checkLimits({ files }: Patient): Promise<Finding> {
  const found = await files.names('usr/bin', /^prlimit$/);
  const also = await files.names('bin', /^prlimit$/);
  if (found.length + also.length > 0) return ok('runs in a child with limits of memory and time');
  return warn(
    'runs without a limit of memory: prlimit is not installed',
    'install util-linux (Debian: apt install util-linux)',
  );
}

async function checkFfmpeg({ execute }: Patient): Promise<Finding> {
  const answer = await execute('ffmpeg', '-hide_banner', '-version');
  const version = /^ffmpeg version (\S+)/.exec(answer?.stdout ?? '')?.[1];
  if (version !== undefined) return ok(`version ${version}`);
  return warn(
    'not installed: cameras, video files and RTSP cannot be read',
    'apt install ffmpeg, where the agent is to read them itself',
  );
}

/** The agent asks its server for the time, and can do with a clock that is wrong. */
async function checkClock({ execute, files }: Patient): Promise<Finding> {
  const now = new Date().toISOString();
  const marks = await files.names('run/systemd/timesync', /^synchronized$/);
  const told = await execute('timedatectl', 'show', '--property=NTPSynchronized', '--value');
  const synced = marks.length > 0 || told?.stdout.trim() === 'yes';
  if (synced) return ok(`${now}, synchronized`);
  return warn(
    `${now}, nothing here says that it is synchronized`,
    'timedatectl set-ntp true, or install chrony; until then the agent takes the time of its server',
  );
}

async function checkService({ execute, files }: Patient): Promise<Finding> {
  const booted = await files.names('run/systemd', /^system$/);
  if (booted.length === 0)
    return ok('systemd does not run here: another supervisor starts the agent');
  const properties = '--property=LoadState,ActiveState,NRestarts';
  const answer = await execute('systemctl', 'show', UNIT_NAME, properties);
  const told = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(answer?.stdout ?? '')?.[1];
  if (told('LoadState') !== 'loaded') {
    const remedy = 'flotilla-agent install --data DIR, as root, starts it at each boot';
    return warn(`${UNIT_NAME} is not installed`, remedy);
  }
  const state = told('ActiveState') ?? 'unknown';
  const restarts = Number(told('NRestarts') ?? 0);
  const what = `${UNIT_NAME} is ${state}${restarts > 0 ? `, restarted ${restarts} times` : ''}`;
  const look = `journalctl -u ${UNIT_NAME} tells why`;
  if (state !== 'active') return fail(what, `systemctl start ${UNIT_NAME}; ${look}`);
  return restarts > 0 ? warn(what, look) : ok(what);
}

async function checkAgent({ data, enrolment }: Patient): Promise<Finding> {
  const start = `flotilla-agent run --data ${data}`;
  try {
    const agent = await findAgent(data);
    if (agent === undefined && enrolment === undefined) {
      return ok('not expected: this device is in no fleet');
    }
    if (agent === undefined) return warn('does not run on this data folder', start);
    const answer = await agent.ask({ method: 'GET', path: '/flotilla/1/status' });
    const { version, online, slots } = jsonOf<AgentStatus>(answer);
    const count = `${slots.length} ${slots.length === 1 ? 'slot' : 'slots'}`;
    const what = `version ${version} runs as process ${agent.pid} with ${count}`;
    if (enrolment === undefined) return ok(`${what}, in no fleet`);
    if (online) return ok(`${what}, connected`);
    return warn(`${what}, not connected`, 'see server and mqtt here, and the log of the agent');
  } catch {
    return warn('does not run on this data folder', start);
  }
}
