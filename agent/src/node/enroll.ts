import { rm, rmdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type FindOptions, findRuntimes } from '@flotilla/model/node';
import { FlotillaError, isName, newId } from '@flotilla/protocol';
import { type EnrollAnswer, isEnrollAnswer } from '../core/index.ts';
import { type Enrolment, findEnrolment, makeDataFolder, saveEnrolment } from './data-folder.ts';
import { readCapabilities, runtimeInfo } from './device/capabilities.ts';
import { type DeviceKey, keyPath, loadOrMakeKey, publicJwk } from './device-key.ts';
import { reasonOf } from './http-fetcher.ts';

export interface EnrollOptions extends FindOptions {
  /** Base address of the fleet server. */
  readonly server: string;
  /** Claim token. */
  readonly token: string;
  readonly data: string;
  /** Declared hardware class; left out, it is detected. */
  readonly target?: string;
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 30_000;
/** A name is a label for people: any text of one line. */
const NAME = /^[^\p{Cc}]{1,63}$/u;

/**
 * Makes the device's key pair here, and takes it into the fleet of the claim token. Asking again
 * after a lost answer gives the same device.
 *
 * @throws FlotillaError `agent.already-enrolled`, `agent.enroll-refused`, `agent.unreachable`
 */
export async function enroll(options: EnrollOptions): Promise<Enrolment> {
  const { data, target = '' } = options;
  checkLabels(options);
  const known = await findEnrolment(data);
  if (known !== undefined) {
    const { device } = known.identity;
    throw new FlotillaError('agent.already-enrolled', { data: resolve(data), device });
  }
  const isNew = (await stat(data).catch(() => undefined)) === undefined;
  await makeDataFolder(data);
  const key = await loadOrMakeKey(data);
  try {
    const answer = await ask(options, key);
    const { fleet, device, api, mqtt } = answer;
    const identity = { fleet, device, api: api.replace(/\/+$/, ''), mqtt };
    const enrolment = { identity, root: JSON.stringify(answer.root), target };
    await saveEnrolment(data, enrolment);
    return enrolment;
  } catch (error) {
    if (error instanceof FlotillaError && error.code === 'agent.enroll-refused') {
      await rm(keyPath(data), { force: true });
      if (isNew) await rmdir(data).catch(() => undefined);
    }
    throw error;
  }
}

function checkLabels({ name, tags = {} }: EnrollOptions): void {
  const bad = (what: string, text: string) => {
    throw new FlotillaError('name.invalid', { what, name: text.slice(0, 80) });
  };
  if (name !== undefined && !NAME.test(name)) bad('device name', name);
  for (const [tag, value] of Object.entries(tags)) {
    if (!isName(tag)) bad('tag', tag);
    if (!NAME.test(value)) bad(`tag ${tag}`, value);
  }
}

async function ask(options: EnrollOptions, key: DeviceKey): Promise<EnrollAnswer> {
  const { server, token, name, tags, data, target = '' } = options;
  const { runtimes: found } = await findRuntimes(options);
  const runtimes = found.map(runtimeInfo);
  const capabilities = await readCapabilities({ data, target, runtimes });
  const url = `${server.replace(/\/+$/, '')}/api/1/enroll`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': newId() },
    body: JSON.stringify({ token, publicKey: publicJwk(key), name, tags, capabilities }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause) => {
    throw new FlotillaError(
      'agent.unreachable',
      { url: server, reason: reasonOf(cause) },
      { cause },
    );
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw refusal(server, response.status, answer);
  if (isEnrollAnswer(answer)) return answer;
  const reason = 'its answer is not one of a fleet server';
  throw new FlotillaError('agent.unreachable', { url: server, reason });
}

/** RFC 9457 problem details where the server gives them. */
function refusal(server: string, status: number, answer: unknown): FlotillaError {
  const problem = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<
    string,
    unknown
  >;
  const told = [problem.detail, problem.title].find((text) => typeof text === 'string');
  const reason = `${told ?? `HTTP ${status}`}`.slice(0, 300);
  if (status >= 500 || status === 429 || status === 404) {
    return new FlotillaError('agent.unreachable', { url: server, reason });
  }
  return new FlotillaError('agent.enroll-refused', { server, reason });
}
