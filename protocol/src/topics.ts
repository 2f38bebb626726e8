import { FlotillaError } from './error.ts';
import { isFleet, isId } from './ids.ts';

/** Topics of one device, `flotilla/1/{fleet}/d/{device}/…`. */
export interface DeviceTopics {
  readonly up: Readonly<Record<'state' | 'sync' | 'report' | 'telemetry' | 'live', string>>;
  readonly down: Readonly<Record<'desired' | 'ack', string>>;
  /** What a device subscribes to, and all it may read. */
  readonly subscriptions: readonly string[];
  /** Of a blob by its SHA-256 in hex, or of a metadata file. */
  blobRequest(name: string): string;
  blobChunks(name: string): string;
  command(id: string): string;
  commandResult(id: string): string;
}

export function deviceTopics(fleet: string, device: string): DeviceTopics {
  const base = `flotilla/1/${fleet}/d/${device}`;
  return {
    up: {
      state: `${base}/up/state`,
      sync: `${base}/up/sync`,
      report: `${base}/up/report`,
      telemetry: `${base}/up/telemetry`,
      live: `${base}/up/live`,
    },
    down: { desired: `${base}/down/desired`, ack: `${base}/down/ack` },
    subscriptions: [`${base}/down/#`, `flotilla/1/${fleet}/all/down/#`],
    blobRequest: (name) => `${base}/up/blob/${name}`,
    blobChunks: (name) => `${base}/down/blob/${name}`,
    command: (id) => `${base}/down/cmd/${id}`,
    commandResult: (id) => `${base}/up/cmd/${id}`,
  };
}

/** Topics that a whole fleet reads, `flotilla/1/{fleet}/all/down/…`. */
export const fleetTopics = (fleet: string) => ({
  halt: `flotilla/1/${fleet}/all/down/halt`,
  server: (instance: string) => `flotilla/1/${fleet}/all/down/server/${instance}`,
});

/** What the server subscribes to, over all fleets. */
export const SERVER_SUBSCRIPTION = 'flotilla/1/+/d/+/up/#';

export type UpKind = 'state' | 'sync' | 'report' | 'telemetry' | 'live' | 'cmd' | 'blob';

export interface UpTopic {
  readonly fleet: string;
  readonly device: string;
  readonly kind: UpKind;
  /** Command id, blob digest or metadata file where the kind has one. */
  readonly rest: string;
}

const UP =
  /^flotilla\/1\/([^/]+)\/d\/([^/]+)\/up\/(?:(state|sync|report|telemetry|live)|(cmd|blob)\/([^/+#]{1,128}))$/;

/** @throws FlotillaError `topic.invalid` */
export function parseUpTopic(topic: string): UpTopic {
  const [, fleet, device, plain, withRest, rest = ''] = UP.exec(topic) ?? [];
  const kind = plain ?? withRest;
  if (fleet === undefined || device === undefined || !isFleet(fleet) || !isId(device)) {
    const reason = 'expected flotilla/1/{fleet}/d/{device}/up/…';
    throw new FlotillaError('topic.invalid', { topic: topic.slice(0, 120), reason });
  }
  return { fleet, device, kind: kind as UpKind, rest };
}

/** Whether a device may publish there; the same rule holds for its will. */
export function mayPublish(fleet: string, device: string, topic: string): boolean {
  return UP.test(topic) && topic.startsWith(`flotilla/1/${fleet}/d/${device}/up/`);
}

/** Whether a device may subscribe to that filter: only to its own `down` and the fleet's `all/down`. */
export function maySubscribe(fleet: string, device: string, filter: string): boolean {
  const below = (base: string) => filter === `${base}/#` || filter.startsWith(`${base}/`);
  const fixed = `flotilla/1/${fleet}`;
  return below(`${fixed}/d/${device}/down`) || below(`${fixed}/all/down`);
}
