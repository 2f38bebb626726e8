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
  'trust.rejected': refused(
    422,
    (c: { role: string; reason: string }) =>
      `signed metadata rejected: ${c.role}: ${c.reason}; check the clock, and that it comes from a server or key that is trusted here`,
  ),
} as const;
