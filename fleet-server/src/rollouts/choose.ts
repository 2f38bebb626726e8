import { AGENT_SLOT, type Capabilities, type Precision, whyIncompatible } from '@flotilla/protocol';
import { chooseVariant, deviceFacts, type LabFigures, type VariantFacts } from '@flotilla/targets';
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
  /** The variant, then what is tried in this order where it fails on the device. */
  readonly ladder: readonly Selectable<VariantsTable>[];
}

/** What a rollout asks of its devices. */
export interface Demand {
  readonly slot: string;
  readonly selector: string;
  /** Why a device cannot take part whatever its variant; undefined where it can. */
  readonly obstacle?: (device: Selectable<DevicesTable>) => string | undefined;
  /** What the lab knows of the variants, by digest. */
  readonly figures?: ReadonlyMap<string, LabFigures>;
}

/**
 * The devices that a selector names, each with the variant that it would get and why.
 *
 * @throws FlotillaError `selector.invalid`
 */
export async function chooseCandidates(
  db: Db,
  fleet: string,
  { slot, selector, obstacle = () => undefined, figures }: Demand,
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
  const facts = variants.map((row) => factsOf(row, figures?.get(row.digest)));
  const suits: Pick =
    slot === AGENT_SLOT ? (row) => chooseRelease(row, variants) : (row) => chooseModel(row, facts);
  const pick: Pick = (row) => {
    const reason = whyIncompatible(row.protocol_minor) ?? obstacle(row);
    return reason === undefined ? suits(row) : { variant: undefined, reason };
  };
  return devices
    .filter((row) => selects(selectable(row)))
    .map((row) => choose(row, pick, running.get(row.device)));
}

/** What suits a device best, and why; or why nothing does. */
export interface Choice {
  readonly variant: Selectable<VariantsTable> | undefined;
  readonly reason: string;
  readonly ladder?: readonly Selectable<VariantsTable>[];
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
  const { variant, reason, ladder = [] } = pick(row);
  const known = { device, name, target, reason, variant, ladder };
  if (variant === undefined) return { ...known, state: 'unsuitable' };
  return { ...known, state: variant.digest === running ? 'unchanged' : 'pending' };
}

function chooseModel(row: Selectable<DevicesTable>, facts: readonly Facts[]): Choice {
  const { chosen, ladder, reason } = chooseVariant(describe(row), facts);
  return { variant: chosen?.row, reason, ladder: ladder.map((one) => one.row) };
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

/** What the choice is made on. */
export function factsOf(row: Selectable<VariantsTable>, lab: LabFigures | undefined): Facts {
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
    ...(lab === undefined ? {} : { lab }),
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
