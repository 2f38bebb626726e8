import { AGENT_SLOT, type Capabilities, type Precision, whyIncompatible } from '@flotilla/protocol';
import { chooseVariant, deviceFacts, type VariantFacts } from '@flotilla/targets';
import type { Kysely, Selectable } from 'kysely';
import type { Database, DevicesTable, VariantsTable } from '../db/schema.ts';
import { chooseRelease } from './choose-release.ts';
import { parseSelector, type SelectableDevice } from './selector.ts';
import type { MemberState } from './types.ts';

type Db = Kysely<Database>;

/** What a rollout would do with a device. */
export interface Candidate {
  readonly device: string;
  readonly name: string;
  readonly target: string;
  readonly state: Extract<MemberState, 'pending' | 'unsuitable' | 'unchanged'>;
  /** Why this variant, or why none. */
  readonly reason: string;
  /** Undefined where none suits. */
  readonly variant: Selectable<VariantsTable> | undefined;
}

/**
 * The devices that a selector names, each with the variant that it would get and why.
 *
 * @throws FlotillaError `selector.invalid`
 */
export async function chooseCandidates(
  db: Db,
  fleet: string,
  { slot, selector }: { readonly slot: string; readonly selector: string },
  variants: readonly Selectable<VariantsTable>[],
): Promise<Candidate[]> {
  const selects = parseSelector(selector);
  const devices = await db
    .selectFrom('devices')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('status', '=', 'accepted')
    .orderBy('device')
    .execute();
  const running = await committedDigests(db, fleet, slot);
  const facts = variants.map(factsOf);
  const pick: Pick =
    slot === AGENT_SLOT ? (row) => chooseRelease(row, variants) : (row) => chooseModel(row, facts);
  return devices
    .filter((row) => selects(selectable(row)))
    .map((row) => choose(row, pick, running.get(row.device)));
}

/** What suits a device best, and why; or why nothing does. */
export interface Choice {
  readonly variant: Selectable<VariantsTable> | undefined;
  readonly reason: string;
}

type Pick = (row: Selectable<DevicesTable>) => Choice;

/** `Active` as the core stores it; everything in it came from the device. */
interface ReportedActive {
  readonly model?: string;
  readonly version?: number;
}

function selectable(row: Selectable<DevicesTable>): SelectableDevice {
  const active = JSON.parse(row.active) as ReportedActive[];
  return {
    id: row.device,
    name: row.name,
    target: row.target,
    online: row.online === 1,
    tags: JSON.parse(row.tags) as Record<string, string>,
    versions: active.map(({ model, version }) => `${model}@${version}`),
  };
}

type Facts = VariantFacts & { readonly row: Selectable<VariantsTable> };

function choose(row: Selectable<DevicesTable>, pick: Pick, running: string | undefined): Candidate {
  const { device, name, target } = row;
  const obstacle = whyIncompatible(row.protocol_minor);
  const { variant, reason } =
    obstacle === undefined ? pick(row) : { variant: undefined, reason: obstacle };
  if (variant === undefined) return { device, name, target, state: 'unsuitable', reason, variant };
  const state = variant.digest === running ? 'unchanged' : 'pending';
  return { device, name, target, state, reason, variant };
}

function chooseModel(row: Selectable<DevicesTable>, facts: readonly Facts[]): Choice {
  const { chosen, reason } = chooseVariant(describe(row), facts);
  return { variant: chosen?.row, reason };
}

/** What the device reports, with the hardware class that an operator may have set. */
function describe({ capabilities, target }: Selectable<DevicesTable>) {
  const reported = JSON.parse(capabilities) as Partial<Capabilities>;
  return deviceFacts({
    declared: false,
    board: '',
    arch: '',
    os: '',
    cpuModel: '',
    cores: 0,
    memoryBytes: 0,
    diskFreeBytes: 0,
    cpuFeatures: [],
    runtimes: [],
    ...reported,
    target: target === '' ? (reported.target ?? '') : target,
  });
}

interface StoredReport {
  readonly accuracy?: { readonly variant?: number };
  readonly latencyMs?: { readonly variant?: number; readonly estimated?: boolean };
}

function factsOf(row: Selectable<VariantsTable>): Facts {
  const { accuracy, latencyMs } = JSON.parse(row.report) as StoredReport;
  return {
    row,
    digest: row.digest,
    target: row.target,
    precision: row.precision as Precision,
    opset: row.opset,
    memoryBytes: row.memory_bytes,
    accuracy: accuracy?.variant ?? 0,
    ...(latencyMs?.variant === undefined ? {} : { latencyMs: latencyMs.variant }),
    estimated: latencyMs?.estimated ?? false,
    withinBudget: row.within_budget === 1,
  };
}

/** What each device has committed in the slot and is still wanted to run. */
async function committedDigests(db: Db, fleet: string, slot: string): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('slots as s')
    .innerJoin('deployments as d', (join) =>
      join.onRef('d.fleet', '=', 's.fleet').onRef('d.deployment', '=', 's.active'),
    )
    .select(['s.device', 'd.digest'])
    .where('s.fleet', '=', fleet)
    .where('s.slot', '=', slot)
    .where('s.mode', '=', 'present')
    .where('d.result', '=', 'committed')
    .execute();
  return new Map(rows.map(({ device, digest }) => [device, digest]));
}
