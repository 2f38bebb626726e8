import {
  type DeviceConfig,
  type Draft,
  FlotillaError,
  type Metered,
  type TransportPolicy,
} from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import { type Static, Type } from 'typebox';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { audit } from '../trust/audit.ts';

/** What a fleet, a device or a rollout says of downloads; what is left out says nothing. */
export const DownloadPolicy = Type.Object(
  {
    bandwidth: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1e12,
        description: 'Bytes per second; 0: no cap, else 2000 at least',
      }),
    ),
    metered: Type.Optional(
      Type.Enum(['allow', 'delta-only', 'wait'], {
        description: 'What may be fetched over a link that costs by the byte',
      }),
    ),
  },
  { additionalProperties: false },
);
export type DownloadPolicy = Static<typeof DownloadPolicy>;

/** Of a fleet or a device: a rollout does not know the networks of its devices. */
export const DevicePolicy = Type.Object(
  {
    ...DownloadPolicy.properties,
    transport: Type.Optional(
      Type.Enum(['auto', 'http', 'mqtt'], {
        description: 'auto: over MQTT where HTTP does not answer',
      }),
    ),
  },
  { additionalProperties: false },
);
export type DevicePolicy = Static<typeof DevicePolicy>;

/** Devices ask for 16 KiB at least, which must come before a connection passes for dead. */
const LEAST_BANDWIDTH = 2000;

/** What is wrong with a policy that a person gave; undefined where nothing is. */
export function findPolicyFault({ bandwidth = 0 }: DownloadPolicy): string | undefined {
  if (bandwidth === 0 || bandwidth >= LEAST_BANDWIDTH) return undefined;
  return `bandwidth is 0 for no cap, or at least ${LEAST_BANDWIDTH} bytes/s, not ${bandwidth}`;
}

/** Stands for the whole fleet in the table's device column. */
const FLEET = '';

/** What was said of one device, or of the fleet where no device is named. */
export async function readPolicy(
  db: Kysely<Database>,
  fleet: string,
  device = FLEET,
): Promise<DevicePolicy> {
  return (await readPolicies(db, fleet, [device])).get(device) ?? {};
}

async function readPolicies(db: Kysely<Database>, fleet: string, devices: readonly string[]) {
  const rows = await db
    .selectFrom('download_policies')
    .select(['device', 'policy'])
    .where('fleet', '=', fleet)
    .where('device', 'in', devices)
    .execute();
  return new Map(rows.map((row) => [row.device, JSON.parse(row.policy) as DevicePolicy]));
}

/** What holds for a device: its own word, and the fleet's where it has none. */
export async function policyFor(
  db: Kysely<Database>,
  fleet: string,
  device: string,
): Promise<DevicePolicy> {
  const said = await readPolicies(db, fleet, [FLEET, device]);
  return { ...said.get(FLEET), ...said.get(device) };
}

/**
 * Sets the whole policy; an empty one says nothing any more.
 *
 * @throws FlotillaError `request.invalid`
 */
export async function writePolicy(
  parts: Pick<ServerContext, 'db' | 'dialect' | 'now'>,
  actor: string,
  { fleet, device = FLEET }: { readonly fleet: string; readonly device?: string },
  policy: DevicePolicy,
): Promise<void> {
  const fault = findPolicyFault(policy);
  if (fault !== undefined)
    throw new FlotillaError('request.invalid', { where: 'body', reason: fault });
  const row = { fleet, device, policy: JSON.stringify(policy) };
  await parts.db.transaction().execute(async (trx) => {
    await trx
      .insertInto('download_policies')
      .values(row)
      .onConflict((on) => on.columns(['fleet', 'device']).doUpdateSet({ policy: row.policy }))
      .execute();
    const subject = device === FLEET ? fleet : device;
    await audit(parts, trx, {
      fleet,
      actor,
      action: 'downloads.edit',
      subject,
      detail: { ...policy },
    });
  });
}

const METERED: Readonly<Record<NonNullable<DownloadPolicy['metered']>, Metered>> = {
  allow: 'METERED_ALLOW',
  'delta-only': 'METERED_DELTA_ONLY',
  wait: 'METERED_WAIT',
};

/** As the wire says it; a cap of 0 and one that was not named are the same there. */
export function wirePolicy({
  bandwidth = 0,
  metered,
}: DownloadPolicy): Pick<Draft<DeviceConfig>, 'bandwidth' | 'metered'> {
  return { bandwidth, ...(metered === undefined ? {} : { metered: METERED[metered] }) };
}

const TRANSPORT: Readonly<Record<NonNullable<DevicePolicy['transport']>, TransportPolicy>> = {
  auto: 'TRANSPORT_AUTO',
  http: 'TRANSPORT_HTTP',
  mqtt: 'TRANSPORT_MQTT',
};

export const wireDevicePolicy = ({ transport, ...policy }: DevicePolicy) => ({
  ...wirePolicy(policy),
  ...(transport === undefined ? {} : { transport: TRANSPORT[transport] }),
});
