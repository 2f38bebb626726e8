import { refused } from './row.ts';

/** Bundles, digests, signed metadata. */
export const TRUST_ERRORS = {
  'bundle.digest-mismatch': refused(
    422,
    (c: { where: string; expected: string; actual: string }) =>
      `${c.where}: content has digest ${c.actual} but ${c.expected} was promised: fetch the bundle again`,
  ),
  'bundle.invalid': refused(
    422,
    (c: { where: string; reason: string }) =>
      `${c.where} is not a valid bundle: ${c.reason}; make it again with flotilla optimize`,
  ),
  'key.invalid': refused(
    422,
    (c: { reason: string }) =>
      `the signing key cannot be used: ${c.reason}; restore the key file from a copy`,
  ),
  'trust.no-key': refused(
    422,
    (c: { where: string }) =>
      `${c.where} holds no public Ed25519 key: give the file that flotilla keys export prints, PEM, or 64 hex digits`,
  ),
  'trust.no-such-key': refused(
    404,
    (c: { key: string }) =>
      `${c.key} is not the id of one key that is trusted here, or its first 8 digits: see flotilla-agent trust list`,
  ),
  'trust.rejected': refused(
    422,
    (c: { role: string; reason: string }) =>
      `signed metadata rejected: ${c.role}: ${c.reason}; check the clock, and that it comes from a server or key that is trusted here`,
  ),
  'trust.unknown-key': refused(
    422,
    (c: { where: string; key: string }) =>
      `${c.where} is signed by key ${c.key}, which this device does not trust: if its maker is known to you, run flotilla-agent trust add KEY with the file that flotilla keys export prints there`,
  ),
} as const;
