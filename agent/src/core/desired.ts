import {
  type Deployment,
  type Desired,
  type DeviceConfig,
  FlotillaError,
  isDigest,
  isId,
  isSlotName,
  type Slot,
  type Metered as WireMetered,
  type TransportPolicy as WireTransport,
} from '@flotilla/protocol';
import type {
  Limits,
  Metered,
  TransportPolicy,
  Wanted,
  WantedDeployment,
  WantedSlot,
} from './state.ts';

const MAX_SLOTS = 64;
const MAX_KEPT = 256;
const MAX_URL = 2048;
/** A URL, or a path on the server that the device is enrolled at. */
const URL_OR_PATH = /^(https?:\/\/|\/(?!\/))/;
const MAX_WINDOW_MS = 86_400_000;
/** Longest time that an activation is watched: a day. */
const MAX_WATCH_MS = 86_400_000;

interface Version {
  readonly generation: number;
  readonly revision: number;
}

/** Negative when `a` is older than `b`: restoring a back-up raises the generation (DESIGN §4). */
export const compareVersions = (a: Version, b: Version): number =>
  a.generation - b.generation || a.revision - b.revision;

/**
 * The desired state as the planner wants it, every name, digest and size checked.
 *
 * @throws FlotillaError `message.malformed`
 */
export function readDesired(message: Desired): Wanted {
  if (message.slots.length > MAX_SLOTS)
    reject(`${message.slots.length} slots, at most ${MAX_SLOTS}`);
  if (message.keep.length > MAX_KEPT) reject(`keeps ${message.keep.length}, at most ${MAX_KEPT}`);
  const slots = message.slots.map(readSlot);
  const names = new Set(slots.map(({ name }) => name));
  if (names.size !== slots.length) reject('a slot is named twice');
  return {
    generation: message.generation,
    revision: message.revision,
    slots,
    keep: message.keep.map((digest) => (isDigest(digest) ? digest : reject(`keep ${cut(digest)}`))),
    telemetryWindowMs: Math.min(message.config?.telemetryWindowMs ?? 0, MAX_WINDOW_MS),
    limits: readLimits(message.config),
    download: { ...readPolicy(message.config ?? {}), ...readTransport(message.config?.transport) },
    director: new TextDecoder().decode(message.director),
  };
}

function readLimits(config: DeviceConfig | null | undefined): Limits {
  const amount = (value: number | undefined, what: string): number => {
    if (value === undefined) return 0;
    return Number.isFinite(value) && value >= 0 ? value : reject(`${what} ${value}`);
  };
  return {
    maxLatencyMs: amount(config?.maxLatencyMs, 'maxLatencyMs'),
    maxRssBytes: amount(config?.maxRssBytes, 'maxRssBytes'),
    watchLatencyFactor: amount(config?.watchLatencyFactor, 'watchLatencyFactor'),
    watchMemoryBytes: amount(config?.watchMemoryBytes, 'watchMemoryBytes'),
  };
}

function readSlot({ name, mode, active, shadow }: Slot): WantedSlot {
  // the one name that an object has by itself
  if (!isSlotName(name) || name === 'constructor') reject(`slot name ${cut(name)}`);
  if (mode === 'MODE_UNSPECIFIED') reject(`slot ${name} says neither present nor absent`);
  if (mode === 'MODE_ABSENT') return { name, mode: 'absent' };
  return {
    name,
    mode: 'present',
    ...(active ? { active: readDeployment(name, active) } : {}),
    ...(shadow ? { shadow: readShadow(name, shadow) } : {}),
  };
}

function readDeployment(slot: string, from: Deployment): WantedDeployment {
  const where = `slot ${slot}: `;
  if (!isId(from.id)) reject(`${where}deployment ${cut(from.id)}`);
  if (!isDigest(from.digest)) reject(`${where}digest ${cut(from.digest)}`);
  if (!isSlotName(from.model)) reject(`${where}model ${cut(from.model)}`);
  if (!URL_OR_PATH.test(from.url) || from.url.length > MAX_URL) {
    reject(`${where}url ${cut(from.url)}`);
  }
  if (from.targetPath.length > 512) reject(`${where}target path of ${from.targetPath.length}`);
  return {
    id: from.id,
    attempt: from.attempt,
    slot,
    digest: from.digest,
    url: from.url.replace(/\/+$/, ''),
    size: from.size,
    model: from.model,
    version: from.version,
    precision: from.precision.slice(0, 64),
    notBeforeMs: from.notBeforeMs,
    notAfterMs: from.notAfterMs,
    deadlineMs: from.deadlineMs,
    watchMs: Math.min(from.watchMs, MAX_WATCH_MS),
    targetPath: from.targetPath,
    ...readPolicy(from),
  };
}

function readShadow(slot: string, from: Deployment): WantedDeployment {
  const deployment = readDeployment(slot, from);
  if (from.measureOnly) return { ...deployment, measureOnly: true };
  const { samplePermille, busyPermille, maxTemperatureC } = from.shadow ?? ALL_IDLE_TIME;
  if (!(Number.isFinite(maxTemperatureC) && maxTemperatureC >= 0)) {
    reject(`slot ${slot}: a shadow of at most ${maxTemperatureC} °C`);
  }
  const shadow = {
    samplePermille: Math.min(samplePermille, 1000),
    busyPermille: Math.min(busyPermille, 1000),
    maxTemperatureC,
  };
  return { ...deployment, shadow };
}

/** Of a shadow without a plan. */
const ALL_IDLE_TIME = { samplePermille: 1000, busyPermille: 1000, maxTemperatureC: 0 };

const METERED: Readonly<Record<WireMetered, Metered | undefined>> = {
  METERED_UNSPECIFIED: undefined,
  METERED_ALLOW: 'allow',
  METERED_DELTA_ONLY: 'delta-only',
  METERED_WAIT: 'wait',
};

const TRANSPORT: Readonly<Record<WireTransport, TransportPolicy | undefined>> = {
  TRANSPORT_UNSPECIFIED: undefined,
  TRANSPORT_AUTO: 'auto',
  TRANSPORT_HTTP: 'http',
  TRANSPORT_MQTT: 'mqtt',
};

function readTransport(transport: WireTransport = 'TRANSPORT_UNSPECIFIED') {
  const said = TRANSPORT[transport];
  return said === undefined ? {} : { transport: said };
}

/** What a deployment, or the device's configuration, says of downloads; unset where it says nothing. */
function readPolicy({ metered, bandwidth }: Partial<Pick<Deployment, 'metered' | 'bandwidth'>>) {
  const said = METERED[metered ?? 'METERED_UNSPECIFIED'];
  return {
    ...(said === undefined ? {} : { metered: said }),
    ...(bandwidth ? { bandwidth } : {}),
  };
}

const cut = (text: string): string => JSON.stringify(text.slice(0, 80));

function reject(reason: string): never {
  throw new FlotillaError('message.malformed', { message: 'Desired', reason });
}
