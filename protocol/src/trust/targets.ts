import type { JsonValue } from '../json.ts';
import {
  accept,
  isCount,
  isObject,
  type Reading,
  refuse,
  type SignedDocument,
} from './document.ts';
import type { DirectorTarget, RepositoryTarget } from './metadata.ts';

/** Where targets names the lowest security epoch of each model that may still be installed. */
export const EPOCH_FIELD = 'x-flotilla-epoch';

const MAX_TARGETS = 20_000;
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const HASH = /^[0-9a-f]{64}$/;

/** Whether a text may be a target path: 1 to 8 plain segments, none that climbs. */
export function isTargetPath(path: string): boolean {
  const segments = path.split('/');
  return (
    path.length <= 255 &&
    segments.length <= 8 &&
    segments.every((segment) => SEGMENT.test(segment) && !segment.includes('..'))
  );
}

/** Model that a target path belongs to: its first segment. */
const modelOf = (path: string): string => path.split('/', 1)[0] ?? '';

interface Content {
  readonly targets: ReadonlyMap<string, RepositoryTarget>;
  readonly epochs: Readonly<Record<string, number>>;
}

/**
 * Targets of the top-level role (TUF 1.0 §4.6). Delegations are not followed: what only a
 * delegated role names is not installed.
 *
 * @param known highest epochs demanded so far; a demand is never lowered
 */
export function readTargets(
  document: SignedDocument,
  known: Readonly<Record<string, number>>,
): Reading<Content> {
  const files = readFiles(document.signed.targets);
  if (!files.ok) return files;
  const demanded = document.signed[EPOCH_FIELD] ?? {};
  if (!isObject(demanded)) return refuse(`${EPOCH_FIELD} is malformed`);
  const epochs = new Map(Object.entries(known));
  for (const [model, epoch] of Object.entries(demanded)) {
    if (!SEGMENT.test(model) || !isCount(epoch)) return refuse(`${EPOCH_FIELD} is malformed`);
    epochs.set(model, Math.max(epoch, epochs.get(model) ?? 0));
  }
  const targets = new Map<string, RepositoryTarget>();
  for (const [path, { length, digest, custom }] of files.value) {
    const epoch = isObject(custom) ? (custom.epoch ?? 0) : 0;
    if (!isCount(epoch)) return refuse(`epoch of ${path} is malformed`);
    targets.set(path, { length, digest, epoch, minimumEpoch: epochs.get(modelOf(path)) ?? 0 });
  }
  return accept({ targets, epochs: Object.fromEntries(epochs) });
}

interface File extends DirectorTarget {
  readonly custom: JsonValue | undefined;
}

/** The `targets` object that repository and director share: path to length and SHA-256. */
export function readFiles(field: JsonValue | undefined): Reading<ReadonlyMap<string, File>> {
  if (!isObject(field)) return refuse('targets are missing');
  const entries = Object.entries(field);
  if (entries.length > MAX_TARGETS) return refuse(`more than ${MAX_TARGETS} targets`);
  const files = new Map<string, File>();
  for (const [path, entry] of entries) {
    if (!isTargetPath(path)) return refuse(`target path ${JSON.stringify(path.slice(0, 80))}`);
    const hash = isObject(entry) && isObject(entry.hashes) ? entry.hashes.sha256 : undefined;
    if (!isObject(entry) || !isCount(entry.length)) return refuse(`length of ${path} is missing`);
    if (typeof hash !== 'string' || !HASH.test(hash)) return refuse(`sha256 of ${path} is missing`);
    files.set(path, { length: entry.length, digest: `sha256:${hash}`, custom: entry.custom });
  }
  return accept(files);
}
