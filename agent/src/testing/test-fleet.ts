import {
  type BundleContent,
  type Deployment,
  type Desired,
  type Draft,
  decode,
  deviceTopics,
  encode,
  fleetTopics,
  newId,
  type Outcome,
  type Record as RecordMessage,
  type State,
  type TufMetadata,
} from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  signDirector,
  signHalt,
  signTargets,
} from '@flotilla/protocol/node';
import type { Identity } from '../core/index.ts';

export interface SignedBundle extends BundleContent {
  readonly version: number;
  readonly targetPath: string;
}

/** A fleet server's answers, without a network: what it signs, stores, and was told. */
export interface TestFleet {
  readonly identity: Identity;
  readonly root: string;
  /** Requests for these digests are answered 404. */
  readonly missing: Set<string>;
  /** So many next requests for metadata are answered 503. */
  unavailable: number;
  /** Signs anew after the next request for that file, as a server may at any time. */
  resignAfter: string;
  /** Records by `outbox/seq`. */
  readonly records: Map<string, RecordMessage>;
  /** As published, retained. */
  state: State | undefined;
  publishBundle(bundle: SignedBundle): void;
  /** A deployment of a published bundle. */
  deployment(bundle: SignedBundle, fields?: Draft<Deployment>): Draft<Deployment>;
  /** Sets what the device shall run; revisions rise by themselves. */
  want(desired: Draft<Desired>): void;
  halt(halted: boolean): void;
  /** Told of every message to the device at the moment it is made. */
  readonly listeners: Set<(topic: string, payload: Uint8Array) => void>;
  /** The desired state and halt as they stand. */
  readonly retained: readonly (readonly [topic: string, payload: Uint8Array])[];
  /** What the server publishes when this comes from the device. */
  receive(topic: string, payload: Uint8Array): (readonly [topic: string, payload: Uint8Array])[];
  /** Answers a GET. */
  get(path: string): { readonly status: number; readonly body: Uint8Array };
  /** Final outcomes that were reported, in order of arrival. */
  outcomes(): Outcome[];
}

const NOTHING = new Uint8Array();

export function createTestFleet(
  api = 'http://fleet.test',
  mqttUrl = 'mqtt://fleet.test',
): TestFleet {
  const signer = createSigner(generateKeyPair());
  const fleet = 'lab';
  const device = newId();
  const topics = deviceTopics(fleet, device);
  const targets = new Map<string, { digest: string; length: number }>();
  const blobs = new Map<string, Uint8Array>();
  const records = new Map<string, RecordMessage>();
  const missing = new Set<string>();
  const listeners: TestFleet['listeners'] = new Set();
  const push = (topic: string, payload: Uint8Array) => {
    for (const listen of listeners) listen(topic, payload);
  };
  let metadata: TufMetadata = createRepository(signer, { fleet });
  let revision = 0;
  let counter = 0;
  let desired: Uint8Array | undefined;
  let halt: Uint8Array | undefined;

  const files = (): Record<string, Uint8Array | undefined> => ({
    '1.root.json': metadata.root[0],
    'timestamp.json': metadata.timestamp,
    'snapshot.json': metadata.snapshot,
    'targets.json': metadata.targets,
  });
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

  const self: TestFleet = {
    identity: { fleet, device, api, mqtt: { url: mqttUrl, username: `${fleet}/${device}` } },
    root: new TextDecoder().decode(metadata.root[0]),
    missing,
    unavailable: 0,
    resignAfter: '',
    listeners,
    records,
    state: undefined,
    publishBundle({ targetPath, digest, manifestBytes, blobs: parts }) {
      targets.set(targetPath, { digest, length: manifestBytes.length });
      blobs.set(digest, manifestBytes);
      for (const [blob, bytes] of parts) blobs.set(blob, bytes);
      metadata = signTargets(metadata, targets, signer);
    },
    deployment: ({ version, digest, targetPath }, fields = {}) => ({
      id: newId(),
      attempt: 1,
      digest,
      targetPath,
      url: `${api}/api/1/fleets/${fleet}/blobs`,
      model: 'parts',
      version,
      precision: 'int8',
      ...fields,
    }),
    want(fields) {
      revision++;
      const director = signDirector({ fleet, device, generation: 1, revision, targets }, signer);
      desired = encode('Desired', { generation: 1, revision, director, ...fields });
      push(topics.down.desired, desired);
    },
    halt(halted) {
      counter++;
      const signed = signHalt({ fleet, generation: 1, counter, halted }, signer);
      halt = encode('Halt', { generation: 1, counter, halted, signed });
      push(fleetTopics(fleet).halt, halt);
    },
    get retained() {
      const both = [
        [topics.down.desired, desired],
        [fleetTopics(fleet).halt, halt],
      ] as const;
      return both.flatMap(([topic, payload]) => (payload ? [[topic, payload] as const] : []));
    },
    receive(topic, payload) {
      if (topic === topics.up.state) self.state = decode('State', payload);
      if (topic === topics.up.sync) return [...self.retained];
      if (topic !== topics.up.report && topic !== topics.up.telemetry) return [];
      const record = decode('Record', payload);
      const { outbox, seq } = record;
      const key = `${outbox}/${seq}`;
      if (!records.has(key)) records.set(key, record);
      const stored = [{ first: seq, last: seq }];
      return [[topics.down.ack, encode('Ack', { outbox, stored })]];
    },
    get(path) {
      if (path === '/api/1/time') return { status: 200, body: json({ wallMs: Date.now() }) };
      const name = path.split('/').at(-1) ?? '';
      if (path.includes('/tuf/') && self.unavailable-- > 0) return { status: 503, body: NOTHING };
      const found = path.includes('/tuf/') ? files()[name] : blobs.get(name);
      if (found === undefined || missing.has(name)) return { status: 404, body: NOTHING };
      if (name === self.resignAfter) {
        self.resignAfter = '';
        metadata = signTargets(metadata, targets, signer);
      }
      return { status: 200, body: found };
    },
    outcomes: () =>
      [...records.values()].flatMap(({ outcome }) =>
        outcome && outcome.result !== 'RESULT_IN_PROGRESS' ? [outcome] : [],
      ),
  };
  return self;
}
