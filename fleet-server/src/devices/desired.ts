import {
  AGENT_SLOT,
  AGENT_SLOT_MINOR,
  type Desired,
  type DeviceConfig,
  type Draft,
  deviceTopics,
  encode,
  type ShadowPlan,
  whyIncompatible,
} from '@flotilla/protocol';
import type { Selectable } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { SlotsTable } from '../db/schema.ts';
import type { SignedTarget } from '../trust/trust.ts';
import type { DeploymentRow } from './deployments.ts';
import { type DownloadPolicy, policyFor, wireDevicePolicy, wirePolicy } from './download-policy.ts';
import { haltOf } from './fleets.ts';

type SlotRow = Selectable<SlotsTable>;

export type DesiredParts = Pick<ServerContext, 'db' | 'now' | 'trust' | 'broker' | 'config'>;

/**
 * The whole desired state of a device as it stands in the database, with a director document that
 * names every bundle in it. Undefined where the device is not (or no longer) accepted, or its agent
 * speaks a protocol that this server does not: it goes on with what it runs.
 */
async function buildDesired(
  parts: Omit<DesiredParts, 'broker'>,
  fleet: string,
  device: string,
): Promise<Draft<Desired> | undefined> {
  const facts = await gather(parts.db, fleet, device);
  if (facts === undefined) return undefined;
  const { generation, revision, slots, deployments, targets, halt } = facts;
  // a path: only the device knows under which name it reaches this server
  const url = `/api/1/fleets/${fleet}/blobs`;
  const deploymentOf = (id: string) => {
    const row = deployments.get(id);
    return row === undefined ? undefined : toDeployment(row, url, facts.rules.get(row.rollout));
  };
  return {
    at: { wallMs: parts.now(), monotonicMs: Math.round(performance.now()), clockSynced: true },
    generation,
    revision,
    slots: slots.filter(isKnownTo(facts.protocolMinor)).map((slot) => ({
      name: slot.slot,
      mode: slot.mode === 'present' ? 'MODE_PRESENT' : 'MODE_ABSENT',
      ...optional('active', deploymentOf(slot.active)),
      ...optional('shadow', deploymentOf(slot.shadow)),
    })),
    keep: [...new Set([...deployments.values()].map((row) => row.digest))],
    config: { ...configOf(parts.config), ...wireDevicePolicy(facts.policy) },
    director: parts.trust.signDirector({ fleet, device, generation, revision, targets }),
    ...optional('halt', halt),
  };
}

/** An agent that does not know its own slot would refuse the whole state for naming it. */
const isKnownTo =
  (protocolMinor: number) =>
  ({ slot }: SlotRow): boolean =>
    slot !== AGENT_SLOT || protocolMinor >= AGENT_SLOT_MINOR;

/**
 * Publishes a device's desired state. Nothing is lost if the device is away: it asks with `sync`
 * when it connects.
 *
 * @throws FlotillaError `server.broker-offline`
 */
export async function publishDesired(
  parts: DesiredParts,
  fleet: string,
  device: string,
): Promise<void> {
  const desired = await buildDesired(parts, fleet, device);
  if (desired === undefined) return;
  const topic = deviceTopics(fleet, device).down.desired;
  await parts.broker.publish(topic, encode('Desired', desired), { qos: 1, retain: false });
}

const configOf = (config: DesiredParts['config']): Draft<DeviceConfig> => ({
  telemetryWindowMs: config.telemetryWindowMs,
  capturePermille: 0,
  maxLatencyMs: config.maxLatencyMs,
  maxRssBytes: config.maxModelBytes,
  watchLatencyFactor: config.watchLatencyFactor,
  watchMemoryBytes: config.watchMemoryBytes,
});

async function gather(db: DesiredParts['db'], fleet: string, device: string) {
  const row = await db
    .selectFrom('devices')
    .innerJoin('fleets', 'fleets.fleet', 'devices.fleet')
    .select(['revision', 'protocol_minor'])
    .select(['generation', 'halted', 'halt_counter', 'halt_signed'])
    .where('devices.fleet', '=', fleet)
    .where('device', '=', device)
    .where('status', '=', 'accepted')
    .executeTakeFirst();
  if (row === undefined || whyIncompatible(row.protocol_minor) !== undefined) return undefined;
  const slots = await db
    .selectFrom('slots')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .orderBy('slot')
    .execute();
  const deployments = await deploymentsOf(db, fleet, slots);
  const named = ordered(slots, deployments);
  const [policy, rules, targets] = await Promise.all([
    policyFor(db, fleet, device),
    rolloutRules(db, fleet, named),
    targetsOf(db, fleet, named),
  ]);
  return {
    protocolMinor: row.protocol_minor,
    generation: row.generation,
    revision: row.revision,
    slots,
    deployments,
    policy,
    rules,
    targets,
    halt: row.halt_signed === '' ? undefined : haltOf(row),
  };
}

/** Of every slot: what it shall run and what it ran before, whose bundle stays on the device. */
async function deploymentsOf(
  db: DesiredParts['db'],
  fleet: string,
  slots: readonly SlotRow[],
): Promise<Map<string, DeploymentRow>> {
  const ids = slots.flatMap(({ active, shadow, previous }) => [active, shadow, previous]);
  const named = ids.filter((id) => id !== '');
  if (named.length === 0) return new Map();
  const rows = await db
    .selectFrom('deployments')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('deployment', 'in', named)
    .execute();
  return new Map(rows.map((row) => [row.deployment, row]));
}

const ordered = (slots: readonly SlotRow[], deployments: ReadonlyMap<string, DeploymentRow>) =>
  slots
    .flatMap(({ active, shadow }) => [deployments.get(active), deployments.get(shadow)])
    .filter((row) => row !== undefined);

/** What a rollout says of the deployments that it orders; part of its settings. */
interface RolloutRules {
  readonly download?: DownloadPolicy;
  readonly shadow?: Partial<ShadowPlan>;
}

/** What the rollouts that ordered these deployments say of them. */
async function rolloutRules(
  db: DesiredParts['db'],
  fleet: string,
  deployments: readonly DeploymentRow[],
): Promise<Map<string, RolloutRules>> {
  const ids = deployments.map(({ rollout }) => rollout).filter((id) => id !== '');
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('rollouts')
    .select(['rollout', 'settings'])
    .where('fleet', '=', fleet)
    .where('rollout', 'in', ids)
    .execute();
  return new Map(
    rows.map(({ rollout, settings }) => [rollout, JSON.parse(settings) as RolloutRules]),
  );
}

async function targetsOf(
  db: DesiredParts['db'],
  fleet: string,
  deployments: readonly DeploymentRow[],
): Promise<SignedTarget[]> {
  if (deployments.length === 0) return [];
  const digests = deployments.map((row) => row.digest);
  const rows = await db
    .selectFrom('variants')
    .select(['target_path', 'digest', 'manifest_bytes'])
    .where('fleet', '=', fleet)
    .where('digest', 'in', digests)
    .execute();
  return rows.map((row) => ({
    path: row.target_path,
    digest: row.digest,
    length: row.manifest_bytes,
  }));
}

function toDeployment(row: DeploymentRow, url: string, rules: RolloutRules = {}) {
  const { download = {}, shadow } = rules;
  return {
    id: row.deployment,
    attempt: row.attempt,
    digest: row.digest,
    url,
    size: row.bytes,
    model: row.model,
    version: row.version,
    precision: row.precision,
    notBeforeMs: row.not_before_ms,
    notAfterMs: row.not_after_ms,
    deadlineMs: row.deadline_ms,
    watchMs: row.watch_ms,
    targetPath: row.target_path,
    rollout: row.rollout,
    measureOnly: row.purpose === 'measure',
    ...wirePolicy(download),
    ...optional('shadow', row.purpose === 'compare' ? planOf(shadow) : undefined),
  };
}

/** As the rollout was made: the server's defaults are in its settings. */
const planOf = (shadow: Partial<ShadowPlan> = {}): Draft<ShadowPlan> => ({
  samplePermille: shadow.samplePermille,
  busyPermille: shadow.busyPermille,
  maxTemperatureC: shadow.maxTemperatureC,
});

/** A field that is left out where it has no value (exactOptionalPropertyTypes in spirit). */
function optional<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, T>);
}
