import { connect } from 'node:net';
import { readNetwork } from '../device/network.ts';
import { reasonOf } from '../http-fetcher.ts';
import { type Check, type Finding, fail, ok, type Patient, warn } from './check.ts';

const TIMEOUT_MS = 5_000;
/** Devices that log in ask the server for the time; people read the log of the device. */
const LARGE_SKEW_MS = 60_000;
const PORTS: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
};

export const NETWORK_CHECKS: readonly Check[] = [
  { name: 'network', run: checkNetwork },
  { name: 'server', run: checkServer },
  { name: 'mqtt', run: checkMqtt },
];

/** Links of modems cost by the byte. */
async function checkNetwork({ files, execute }: Patient): Promise<Finding> {
  const { name, metered, why } = await readNetwork(files, execute);
  if (name === '') return warn('no default route', 'connect a cable, wireless network or modem');
  if (!metered) return ok(`${name}, not metered`);
  const remedy = 'say what may be downloaded over it, see docs/fleet.md';
  return warn(`${name} is metered (${why})`, remedy);
}

async function checkServer({ enrolment }: Patient): Promise<Finding> {
  if (enrolment === undefined) return ok('not known yet: this device is in no fleet');
  const { api } = enrolment.identity;
  const remedy = 'check the address, the name service, the firewall, and that the server runs';
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${api}/api/1/time`, { signal, redirect: 'error' });
    const { wallMs } = (await response.json()) as { wallMs?: unknown };
    if (!response.ok || typeof wallMs !== 'number') {
      return fail(`${api} answered ${response.status} without the time`, remedy);
    }
    const skewMs = Date.now() - wallMs;
    const seconds = Math.round(skewMs / 1000);
    if (Math.abs(skewMs) < LARGE_SKEW_MS) return ok(`${api} answers`);
    return warn(
      `${api} answers, and the clock here is off by ${seconds} s`,
      'set the clock: the agent itself goes by the time of its server',
    );
  } catch (error) {
    return fail(`${api} does not answer: ${reasonOf(error)}`, remedy);
  }
}

async function checkMqtt({ enrolment }: Patient): Promise<Finding> {
  if (enrolment === undefined) return ok('not known yet: this device is in no fleet');
  const { protocol, hostname, port } = new URL(enrolment.identity.mqtt.url);
  const where = `${hostname}:${port || PORTS[protocol]}`;
  const reason = await refusal(hostname, Number(port || PORTS[protocol]));
  if (reason === undefined) return ok(`${where} takes connections`);
  return fail(`${where} takes no connection: ${reason}`, 'open this port to the broker');
}

/** Why no connection came about, or undefined where one did. */
function refusal(hostname: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const end = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket
      .once('connect', () => end(undefined))
      .once('timeout', () => end('no answer'))
      .once('error', (error) => end(error.message));
  });
}
