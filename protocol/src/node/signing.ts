/** Writes the documents that the director signs: what one device gets, and the halt of a fleet. */
import { canonicalize } from '@tufjs/canonical-json';
import { digestHex } from '../digest.ts';
import type { DirectorTarget } from '../trust/metadata.ts';
import type { Signer } from './keys.ts';
import { isoSeconds, SPEC_VERSION } from './repository.ts';

const DAY_MS = 86_400_000;
/** Sent anew with every desired state; long enough for a deployment whose window lies ahead. */
const DIRECTOR_DAYS = 30;
/** A halt must not end by itself while a device is away. */
const HALT_DAYS = 365;

export interface DirectorFields {
  readonly fleet: string;
  readonly device: string;
  /** Of the desired state that the document travels in. */
  readonly generation: number;
  readonly revision: number;
  /** Every bundle that the desired state names, by target path. */
  readonly targets: ReadonlyMap<string, DirectorTarget>;
  /** Default: now. */
  readonly now?: Date;
}

/** Signs what one device gets: the bytes of `Desired.director`. */
export function signDirector(fields: DirectorFields, ...signers: readonly Signer[]): Uint8Array {
  const { fleet, device, generation, revision, now = new Date() } = fields;
  const targets: Record<string, unknown> = {};
  for (const [path, { length, digest }] of fields.targets) {
    targets[path] = { length, hashes: { sha256: digestHex(digest) } };
  }
  const signed = {
    ...head('director', revision, now, DIRECTOR_DAYS),
    fleet,
    device,
    generation,
    revision,
    targets,
  };
  return seal(signed, signers);
}

export interface HaltFields {
  readonly fleet: string;
  readonly generation: number;
  readonly counter: number;
  readonly halted: boolean;
  /** Default: now. */
  readonly now?: Date;
}

/** Signs a halt, or its end: the bytes of `Halt.signed`. */
export function signHalt(fields: HaltFields, ...signers: readonly Signer[]): Uint8Array {
  const { fleet, generation, counter, halted, now = new Date() } = fields;
  const signed = { ...head('halt', counter, now, HALT_DAYS), fleet, generation, counter, halted };
  return seal(signed, signers);
}

const head = (type: string, version: number, now: Date, days: number) => ({
  _type: type,
  spec_version: SPEC_VERSION,
  version: Math.max(1, version),
  expires: isoSeconds(new Date(now.getTime() + days * DAY_MS)),
});

function seal(signed: object, signers: readonly Signer[]): Uint8Array {
  const utf8 = new TextEncoder();
  const payload = utf8.encode(canonicalize(signed));
  const signatures = signers.map((signer) => ({ keyid: signer.keyId, sig: signer.sign(payload) }));
  return utf8.encode(JSON.stringify({ signatures, signed }));
}
