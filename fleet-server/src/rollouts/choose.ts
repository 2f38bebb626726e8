import { AGENT_SLOT, type Precision, whyIncompatible } from '@flotilla/protocol';
import { chooseVariant, deviceFacts, type LabFigures, type VariantFacts } from '@flotilla/targets';
import type { Kysely, Selectable } from 'kysely';
import type { Database, DevicesTable, VariantsTable } from '../db/schema.ts';
import { readCapabilities } from '../devices/capabilities.ts';
import type { Selector } from '../selectors/resolve.ts';
import { selectDevices } from '../selectors/select.ts';
import { chooseRelease } from './choose-release.ts';
import { type Traits, traitsReader } from './traits.ts';
import type { MemberState } from './types.ts';

type Db = Kysely<Database>;

/** What a rollout would do with a device. */
export interface Candidate extends Traits {
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

/** What the choice of a variant goes by. */
const CANDIDATE_COLUMNS = [
  'device',
  'name',
  'target',
  'capabilities',
  'protocol_minor',
  'last_seen_ms',
] as const satisfies readonly (keyof DevicesTable)[];

export type CandidateRow = Pick<Selectable<DevicesTable>, (typeof CANDIDATE_COLUMNS)[number]>;

/** What a rollout asks of its devices. */
export interface Demand {
  readonly slot: string;
  readonly selector: Selector;
  readonly now: number;
  /** Only these devices; undefined: every one that the selector matches. */
  readonly among?: readonly string[];
  /** Why a device cannot take part whatever its variant; undefined where it can. */
  readonly obstacle?: (device: CandidateRow) => string | undefined;
  /** Keys by whose values waves are balanced. */
  readonly stratify?: readonly string[];
  /** What the lab knows of the variants, by digest. */
  readonly figures?: ReadonlyMap<string, LabFigures>;
}

/**
 * The accepted devices that a selector matches, by id, each with the variant that it would get and
 * why. It goes through the fleet in portions, so that the event loop serves others meanwhile.
 */
export async function chooseCandidates(
  db: Db,
  fleet: string,
  { slot, selector, now, among, obstacle = () => undefined, stratify = [], figures }: Demand,
  variants: readonly Selectable<VariantsTable>[],
): Promise<Candidate[]> {
  const facts = variants.map((row) => factsOf(row, figures?.get(row.digest)));
  const suits: Chooser =
    slot === AGENT_SLOT ? (row) => chooseRelease(row, variants) : modelChooser(facts);
  const pick: Chooser = (row) => {
    const reason = whyIncompatible(row.protocol_minor) ?? obstacle(row);
    return reason === undefined ? suits(row) : { variant: undefined, reason };
  };
  const traits = traitsReader(stratify, now);
  const columns = [...CANDIDATE_COLUMNS, ...traits.columns];
  const scan = { now, accepted: true, columns, ...(among && { among }) };
  const candidates: Candidate[] = [];
  for await (const rows of selectDevices(db, fleet, selector, scan)) {
    const running = await committedDigests(db, fleet, slot, rows);
    for (const row of rows) {
      candidates.push({ ...choose(row, pick, running.get(row.device)), ...traits.read(row) });
    }
  }
  return candidates;
}

/** What suits a device best, and why; or why nothing does. */
export interface Choice {
  readonly variant: Selectable<VariantsTable> | undefined;
  readonly reason: string;
  readonly ladder?: readonly Selectable<VariantsTable>[];
}

type Chooser = (row: CandidateRow) => Choice;

type Facts = VariantFacts & { readonly row: Selectable<VariantsTable> };

function choose(
  row: CandidateRow,
  pick: Chooser,
  running: string | undefined,
): Omit<Candidate, keyof Traits> {
  const { device, name, target } = row;
  const { variant, reason, ladder = [] } = pick(row);
  const known = { device, name, target, reason, variant, ladder };
  if (variant === undefined) return { ...known, state: 'unsuitable' };
  return { ...known, state: variant.digest === running ? 'unchanged' : 'pending' };
}

/** Devices of which the same is known get the same: a fleet has far fewer kinds than devices. */
function modelChooser(facts: readonly Facts[]): Chooser {
  const choices = new Map<string, Choice>();
  return (row) => {
    const device = describe(row);
    const kind = JSON.stringify(device);
    const known = choices.get(kind);
    if (known !== undefined) return known;
    const { chosen, ladder, reason } = chooseVariant(device, facts);
    const choice = { variant: chosen?.row, reason, ladder: ladder.map((one) => one.row) };
    choices.set(kind, choice);
    return choice;
  };
}

const DESCRIBING = [
  'target',
  'arch',
  'board',
  'soc',
  'memoryBytes',
  'cpuFeatures',
  'runtimes',
] as const;

/** What the device reports, with the hardware class that an operator may have set. */
function describe({ capabilities, target }: CandidateRow) {
  const reported = readCapabilities(capabilities, DESCRIBING);
  return deviceFacts({ ...reported, target: target === '' ? reported.target : target });
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

/** What each of these devices has committed in the slot and is still wanted to run. */
async function committedDigests(
  db: Db,
  fleet: string,
  slot: string,
  devices: readonly CandidateRow[],
): Promise<Map<string, string>> {
  const ids = devices.map(({ device }) => device);
  const rows = await db
    .selectFrom('slots as s')
    .innerJoin('deployments as d', (join) =>
      join.onRef('d.fleet', '=', 's.fleet').onRef('d.deployment', '=', 's.active'),
    )
    .select(['s.device', 'd.digest'])
    .where('s.fleet', '=', fleet)
    .where('s.device', 'in', ids)
    .where('s.slot', '=', slot)
    .where('s.mode', '=', 'present')
    .where('d.result', '=', 'committed')
    .execute();
  return new Map(rows.map(({ device, digest }) => [device, digest]));
}
