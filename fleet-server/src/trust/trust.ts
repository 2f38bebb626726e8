import { FlotillaError, type TufMetadata } from '@flotilla/protocol';
import {
  createRepository,
  refreshRepository,
  type Signer,
  signDirector,
  signHalt,
  signTargets,
  type TargetEntry,
} from '@flotilla/protocol/node';
import type { Kysely } from 'kysely';
import type { SqlDialect } from '../db/dialect.ts';
import type { Database } from '../db/schema.ts';
import {
  expiresBefore,
  fleetsWithRoot,
  readRepository,
  readRoots,
  writeRepository,
} from './metadata-store.ts';

/** A bundle that the fleet's repository says may exist. */
export interface SignedTarget {
  /** TUF target path. */
  readonly path: string;
  /** Digest and length in bytes of the bundle's manifest. */
  readonly digest: string;
  readonly length: number;
}

/** Signs for a fleet: what may exist (TUF) and who gets it (director documents). */
export interface Trust {
  /** Makes the fleet's repository where it has none. */
  createRepository(trx: Kysely<Database>, fleet: string): Promise<void>;
  /**
   * Makes sure that this key may sign for every fleet: devices reject what another one signs.
   *
   * @throws FlotillaError `server.key-foreign`
   */
  checkKey(): Promise<void>;
  /** Every root, oldest first: a device trusts the newest from its enrolment on. */
  roots(fleet: string): Promise<Uint8Array[]>;
  /** Undefined where the fleet has no repository. */
  metadata(fleet: string): Promise<TufMetadata | undefined>;
  /** Signs targets, snapshot and timestamp anew from all variants of the fleet. */
  publishTargets(trx: Kysely<Database>, fleet: string): Promise<void>;
  /** Signs anew what expires soon; called by a timer. Answers the fleets that it signed for. */
  refresh(): Promise<string[]>;
  signDirector(order: {
    readonly fleet: string;
    readonly device: string;
    readonly generation: number;
    readonly revision: number;
    readonly targets: readonly SignedTarget[];
  }): Uint8Array;
  signHalt(order: {
    readonly fleet: string;
    readonly generation: number;
    readonly counter: number;
    readonly halted: boolean;
  }): Uint8Array;
}

interface TrustParts {
  readonly db: Kysely<Database>;
  readonly dialect: SqlDialect;
  readonly signer: Signer;
  readonly now: () => number;
}

/** Half a day before the timestamp's one day is over. */
const REFRESH_BEFORE_MS = 12 * 3_600_000;

export function createTrust({ db, dialect, signer, now }: TrustParts): Trust {
  const time = () => ({ now: new Date(now()) });
  const alone = (trx: Kysely<Database>, fleet: string) => dialect.lock(trx, `tuf ${fleet}`);

  return {
    async createRepository(trx, fleet) {
      await alone(trx, fleet);
      if ((await readRepository(trx, fleet)) !== undefined) return;
      await writeRepository(trx, fleet, createRepository(signer, { fleet, ...time() }));
    },
    async checkKey() {
      for (const fleet of await fleetsWithRoot(db)) {
        const root = (await readRoots(db, fleet)).at(-1);
        const text = new TextDecoder().decode(root);
        if (!text.includes(`"${signer.keyId}"`)) {
          throw new FlotillaError('server.key-foreign', { fleet, key: signer.keyId.slice(0, 12) });
        }
      }
    },
    roots: (fleet) => readRoots(db, fleet),
    metadata: (fleet) => readRepository(db, fleet),
    async publishTargets(trx, fleet) {
      await alone(trx, fleet);
      const repository = await readRepository(trx, fleet);
      if (repository === undefined) throw new Error(`fleet ${fleet} has no repository`);
      const targets = await targetsOf(trx, fleet);
      await writeRepository(trx, fleet, signTargets(repository, targets, signer, time()));
    },
    async refresh() {
      const fleets = await expiresBefore(db, now() + REFRESH_BEFORE_MS);
      for (const fleet of fleets) {
        await db.transaction().execute(async (trx) => {
          await alone(trx, fleet);
          const repository = await readRepository(trx, fleet);
          if (repository === undefined) return;
          await writeRepository(trx, fleet, await renew(trx, fleet, repository));
        });
      }
      return fleets;
    },
    signDirector: ({ targets, ...order }) => {
      const named = targets.map(({ path, digest, length }) => [path, { digest, length }] as const);
      return signDirector({ ...order, targets: new Map(named), ...time() }, signer);
    },
    signHalt: (order) => signHalt({ ...order, ...time() }, signer),
  };

  async function renew(trx: Kysely<Database>, fleet: string, repository: TufMetadata) {
    const targetsSoon = now() + 30 * 86_400_000;
    const soon = await expiresBefore(trx, targetsSoon, ['targets']);
    if (!soon.includes(fleet)) return refreshRepository(repository, signer, time());
    return signTargets(repository, await targetsOf(trx, fleet), signer, time());
  }
}

async function targetsOf(trx: Kysely<Database>, fleet: string): Promise<Map<string, TargetEntry>> {
  const rows = await trx
    .selectFrom('variants')
    .select(['target_path', 'digest', 'manifest_bytes', 'epoch'])
    .where('fleet', '=', fleet)
    .execute();
  return new Map(
    rows.map(({ target_path, digest, manifest_bytes, epoch }) => [
      target_path,
      { digest, length: manifest_bytes, epoch },
    ]),
  );
}
