import type { RuntimeNeed } from '@flotilla/model';
import type { Capabilities, Resources } from '@flotilla/protocol';

/**
 * Durable files, named by relative paths with `/`. Nothing counts as stored before `sync` (content)
 * and `syncFolder` (names) returned: a power cut may undo everything else.
 */
export interface Storage {
  /** The whole file, or undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** `length` bytes from `offset`; fewer at the end of the file, undefined where there is none. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  size(path: string): Promise<number | undefined>;
  /** Names of the files in a folder, sorted; empty where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Creates a folder durably; nothing happens where it exists. */
  makeFolder(folder: string): Promise<void>;
  /** Creates or truncates the file. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  append(path: string, bytes: Uint8Array): Promise<void>;
  sync(path: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens where there is no such file. */
  remove(path: string): Promise<void>;
  /** Bytes that may still be written. */
  free(): Promise<number>;
}

export interface Clock {
  /** Wall-clock milliseconds since 1970 UTC. */
  now(): number;
  /** Milliseconds since boot. */
  monotonic(): number;
  /** Resolves after that many milliseconds, or as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Uniform in [0, 1): jitter and identifiers, never secrets. */
export type Random = () => number;

export interface FetchResponse {
  readonly status: number;
  readonly over: 'http' | 'mqtt';
  header(name: string): string | undefined;
  /** The body as it arrives; throws where the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** HTTP as far as an agent needs it. */
export interface Fetcher {
  /** @throws FlotillaError `agent.unreachable` when no answer comes. */
  get(
    url: string,
    options?: { headers?: Readonly<Record<string, string>>; signal?: AbortSignal },
  ): Promise<FetchResponse>;
}

export interface ConnectOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly will?: { readonly topic: string; readonly payload: Uint8Array };
  onMessage(topic: string, payload: Uint8Array): void;
  /** Called once, when the connection is gone for whatever reason. */
  onClose(reason: string): void;
}

export interface Connection {
  /** Resolves when the broker has taken it (QoS 1) or it is on its way (QoS 0). */
  publish(
    topic: string,
    payload: Uint8Array,
    options: { qos: 0 | 1; retain?: boolean },
  ): Promise<void>;
  subscribe(filters: readonly string[]): Promise<void>;
  /** Says goodbye, so that no will is published. */
  close(): Promise<void>;
}

/** MQTT 3.1.1, clean session; each call is one CONNECT. */
export interface Transport {
  /** @throws FlotillaError `agent.unreachable` or `agent.login-refused` */
  connect(options: ConnectOptions): Promise<Connection>;
}

/** Signs with the device key, which never leaves the device. */
export interface Credentials {
  /** A JWT for HTTP and MQTT log-in, valid for at most five minutes from `nowMs`. */
  token(nowMs: number): Promise<string>;
}

export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** `sha256:<64 hex>`; ends the stream. */
  digest(): string;
}

/** Unpacks Zstandard, whole; throws where more than so many bytes would come out. */
export type Unpack = (bytes: Uint8Array, maxBytes: number) => Promise<Uint8Array>;

export interface SelfTestRequest {
  /** Paths in the storage. */
  readonly model: string;
  readonly golden: string;
  /** What the model needs of a runtime, and the precision that it was made in. */
  readonly need: RuntimeNeed;
  readonly precision: string;
  /** Absolute path of the folder in which the runtime keeps what it builds; emptied before. */
  readonly cacheFolder: string;
  /** Memory that the model states it needs. */
  readonly memoryBytes: number;
  readonly timeoutMs: number;
}

export interface SelfTestReport {
  readonly passed: boolean;
  readonly samples: number;
  /** Largest absolute difference from a golden output. */
  readonly maxAbsError: number;
  /** Largest error over the one that the bundle allows; above 1 it did not pass. */
  readonly toleranceUsed: number;
  /** Median and 95th percentile of single runs on the golden inputs; 0 where it did not pass. */
  readonly latencyMs: number;
  readonly latencyP95Ms: number;
  /** Memory that loading and running the model took. */
  readonly rssBytes: number;
  /** One line: why it did not pass. */
  readonly reason: string;
  /** The runtime and the provider that took the model. */
  readonly runtime: string;
  readonly provider: string;
  /** Why others did not, as "provider: reason". */
  readonly fallbacks: readonly string[];
}

/** Runs an unproven model on its golden inputs where a crash of the runtime harms nobody. */
export interface SelfTester {
  /** @throws FlotillaError when the child crashes or takes too long. */
  test(request: SelfTestRequest, signal: AbortSignal): Promise<SelfTestReport>;
}

/** How the device fares at this moment. */
export interface Condition {
  /** Of the hottest place that has a sensor; 0 where none tells. */
  readonly temperatureC: number;
  /** Why the processor is slowed down, a phrase each; empty while it is not. */
  readonly throttledBy: readonly string[];
  /** Written to disk by this process since it started. */
  readonly bytesWritten: number;
}

/** The link over which the device reaches its server. */
export interface Network {
  /** Of the interface: `wwan0`; empty where there is no default route. */
  readonly name: string;
  /** It costs by the byte. */
  readonly metered: boolean;
  /** What that was concluded from, a phrase. */
  readonly why: string;
}

/** Where runtimes keep what they build of a bundle. Nothing in it need survive a power cut. */
export interface RuntimeCache {
  /** Absolute path of the bundle's folder, which a runtime makes where it needs it. */
  folder(digest: string): string;
  /** Nothing happens where the bundle has none. */
  drop(digest: string): Promise<void>;
}

/** What the device is and how it fares. */
export interface Device {
  capabilities(): Promise<Capabilities>;
  condition(): Promise<Condition>;
  network(): Promise<Network>;
  /** IANA name of the zone that its clock shows; empty where nothing tells. */
  timeZone(): Promise<string>;
  /** Resource use since the call before. */
  resources(): Promise<Resources>;
  /** Resident memory of this process now. */
  rssBytes(): number;
}

export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
