import type { Capabilities, RuntimeInfo } from '@flotilla/protocol';

const NOTHING: Capabilities = {
  target: '',
  declared: false,
  board: '',
  arch: '',
  os: '',
  cpuModel: '',
  cores: 0,
  memoryBytes: 0,
  diskFreeBytes: 0,
  cpuFeatures: [],
  runtimes: [],
  soc: '',
  jetpack: '',
  cameras: [],
  powerMode: '',
  kernel: '',
  container: '',
  readOnlyRoot: false,
  diskBytes: 0,
  libc: '',
  selfUpdate: false,
};

const NO_RUNTIME: RuntimeInfo = { name: '', version: '', maxOpset: 0, providers: [] };

/** What a device said of itself, unchecked: at enrolment a device sends any JSON. */
export type Said = Partial<Record<keyof Capabilities, unknown>>;

export function parseSaid(json: string): Said {
  const said: unknown = JSON.parse(json);
  return typeof said === 'object' && said !== null ? said : {};
}

/** One field of it; empty or 0 where the device left it out or it is of another type. */
export function readSaid<K extends keyof Capabilities>(said: Said, key: K): Capabilities[K] {
  const value = said[key];
  if (!isLike(value, NOTHING[key])) return NOTHING[key];
  if (key === 'runtimes') return (value as unknown[]).map(readRuntime) as Capabilities[K];
  return (Array.isArray(value) ? texts(value) : value) as Capabilities[K];
}

/** Several fields of it. */
export function readCapabilities<K extends keyof Capabilities>(
  json: string,
  keys: readonly K[],
): Pick<Capabilities, K> {
  const said = parseSaid(json);
  const read: Partial<Pick<Capabilities, K>> = {};
  for (const key of keys) read[key] = readSaid(said, key);
  return read as Pick<Capabilities, K>;
}

function readRuntime(said: unknown): RuntimeInfo {
  const given = (typeof said === 'object' && said !== null ? said : {}) as Partial<RuntimeInfo>;
  const { name, version, maxOpset, providers } = given;
  return {
    name: isLike(name, NO_RUNTIME.name) ? name : NO_RUNTIME.name,
    version: isLike(version, NO_RUNTIME.version) ? version : NO_RUNTIME.version,
    maxOpset: isLike(maxOpset, NO_RUNTIME.maxOpset) ? maxOpset : NO_RUNTIME.maxOpset,
    providers: isLike(providers, NO_RUNTIME.providers) ? texts(providers) : [],
  };
}

const isLike = <T>(value: unknown, like: T): value is T =>
  value !== null && typeof value === typeof like && Array.isArray(value) === Array.isArray(like);

const texts = (values: readonly unknown[]): string[] =>
  values.filter((value) => typeof value === 'string');
