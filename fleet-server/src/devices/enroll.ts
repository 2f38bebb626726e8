import { newId } from '@flotilla/protocol';
import type { Insertable, Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, DevicesTable } from '../db/schema.ts';
import { audit } from '../trust/audit.ts';
import { findClaimToken, spendClaimToken } from './claim-tokens.ts';
import { type DeviceKey, storedKey } from './device-key.ts';

export interface EnrollRequest {
  /** Secret of a claim token. */
  readonly token: string;
  readonly publicKey: DeviceKey;
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** `Capabilities`, as far as the device knows itself yet. */
  readonly capabilities?: Readonly<Record<string, unknown>>;
}

export interface Enrolled {
  readonly fleet: string;
  readonly device: string;
  readonly status: DevicesTable['status'];
}

/**
 * Takes a device into the fleet of its claim token. A device that asks again with the same key,
 * because the answer was lost, gets the same id and spends nothing.
 *
 * @throws FlotillaError `enroll.token-unknown`, `enroll.token-spent`, `request.invalid`
 */
export async function enrollDevice(
  parts: Pick<ServerContext, 'db' | 'dialect' | 'now' | 'changes'>,
  request: EnrollRequest,
): Promise<Enrolled> {
  const { dialect, now, changes } = parts;
  const publicKey = storedKey(request.publicKey);
  const enrolled = await parts.db.transaction().execute(async (trx) => {
    const token = await findClaimToken(trx, request.token, now());
    const { fleet } = token;
    await dialect.lock(trx, `enroll ${publicKey}`);
    const known = await findByKey(trx, fleet, publicKey);
    if (known !== undefined) return { fleet, ...known };
    await spendClaimToken(trx, token);
    const status = token.auto_accept === 1 ? 'accepted' : 'pending';
    const tags = { ...request.tags, ...(JSON.parse(token.tags) as Record<string, string>) };
    const row = newRow({ fleet, status, publicKey, tags, request, now: now() });
    await trx.insertInto('devices').values(row).execute();
    const { device, name } = row;
    const actor = `claim-token:${token.token}`;
    const detail = { name, status };
    await audit(parts, trx, { fleet, actor, action: 'device.enroll', subject: device, detail });
    return { fleet, device, status } as const;
  });
  changes.emit({ topic: 'device', fleet: enrolled.fleet, id: enrolled.device });
  return enrolled;
}

function findByKey(trx: Kysely<Database>, fleet: string, publicKey: string) {
  return trx
    .selectFrom('devices')
    .select(['device', 'status'])
    .where('fleet', '=', fleet)
    .where('public_key', '=', publicKey)
    .where('status', '!=', 'revoked')
    .executeTakeFirst();
}

interface NewDevice {
  readonly fleet: string;
  readonly status: DevicesTable['status'];
  readonly publicKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly request: EnrollRequest;
  readonly now: number;
}

function newRow({
  fleet,
  status,
  publicKey,
  tags,
  request,
  now,
}: NewDevice): Insertable<DevicesTable> {
  const device = newId(now);
  const { capabilities = {}, name = device.slice(-6) } = request;
  return {
    fleet,
    device,
    name,
    status,
    public_key: publicKey,
    target: typeof capabilities.target === 'string' ? capabilities.target.slice(0, 63) : '',
    target_fixed: 0,
    tags: JSON.stringify(tags),
    capabilities: JSON.stringify(capabilities),
    agent_version: '',
    protocol_minor: 0,
    enrolled_ms: now,
    online: 0,
    connect_seq: 0,
    last_seen_ms: 0,
    active: '[]',
    digests: '[]',
    revision: 1,
    edits: 0,
  };
}
