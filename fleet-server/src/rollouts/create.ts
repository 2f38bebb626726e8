import { AGENT_SLOT, FlotillaError, newId } from '@flotilla/protocol';
import type { Insertable, Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import type { RolloutMembersTable } from '../db/schema-telemetry.ts';
import { holdGroups } from '../groups/uses.ts';
import { readFigures } from '../lab/figures.ts';
import { listVariants, readVersion } from '../registry/versions.ts';
import { takeSelector } from '../selectors/check-keys.ts';
import { whyNone } from '../selectors/why-none.ts';
import { audit } from '../trust/audit.ts';
import { type Candidate, chooseCandidates } from './choose.ts';
import { plural } from './gates/text.ts';
import { GATE_NAMES } from './gates/types.ts';
import { storedLadder } from './ladder.ts';
import { type Holding, leaveToOthers, settleOverlaps } from './overlap.ts';
import { type RolloutRequest, type RolloutSettings, settingsOf } from './settings.ts';
import { addEvent, chunks } from './store.ts';
import { MAX_DEVICES, orderDevices, waveSizes } from './waves.ts';

/** What a rollout would be: the answer to a dry run, and what `createRollout` writes. */
export interface RolloutDraft {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly slot: string;
  readonly selector: string;
  readonly settings: RolloutSettings;
  readonly sizes: readonly number[];
  /** Devices that take part in the order of the waves, then those that do not. */
  readonly members: readonly DraftMember[];
}

export interface DraftMember extends Candidate {
  /** Place in the order of the waves, −1 where it takes no part. */
  readonly position: number;
}

/**
 * Chooses devices and variants, and cuts the waves; writes nothing.
 *
 * @throws FlotillaError `rollout.invalid`, `selector.invalid`, `server.not-found`
 */
export async function draftRollout(
  { db }: Pick<ServerContext, 'db'>,
  fleet: string,
  request: RolloutRequest,
  now: number,
): Promise<RolloutDraft> {
  const { model, version } = request;
  const settings = settingsFor(request);
  const selector = await takeSelector(db, fleet, request.devices ?? 'all');
  const variants = await readyVariants(db, fleet, model, version);
  const figures = await readFigures(db, fleet, { model, version });
  const { stratify } = settings;
  const demand = { slot: model, selector, figures, stratify, now };
  const candidates = await chooseCandidates(db, fleet, demand, variants);
  if (candidates.length === 0) {
    const why = await whyNone(db, fleet, selector, { now, accepted: true });
    refuse(`no accepted device matches ${selector.source}: ${why}`);
  }
  const taking = candidates.filter(({ state }) => state === 'pending');
  if (taking.length === 0) refuse(whyNoneTakesPart(candidates, `${model}@${version}`));
  if (taking.length > MAX_DEVICES) refuse(`${taking.length} devices are too many for one rollout`);
  const id = newId(now);
  const order = await orderDevices(id, taking);
  const members = [
    ...order.map((index, position) => ({ ...taking[index]!, position })),
    ...candidates
      .filter(({ state }) => state !== 'pending')
      .map((one) => ({ ...one, position: -1 })),
  ];
  const sizes = waveSizes(settings.waves, taking.length);
  const { source } = selector;
  return { id, model, version, slot: model, selector: source, settings, sizes, members };
}

/** Releases of the agent infer nothing: of the gates, only that on activations says something. */
function settingsFor(request: RolloutRequest): RolloutSettings {
  const settings = settingsOf(request);
  if (request.model !== AGENT_SLOT) return settings;
  const disabled = GATE_NAMES.filter((gate) => gate !== 'activations');
  return { ...settings, gates: { ...settings.gates, disabled } };
}

function whyNoneTakesPart(candidates: readonly Candidate[], version: string): string {
  const unsuitable = candidates.find(({ state }) => state === 'unsuitable');
  if (unsuitable === undefined) {
    return `${candidates.length === 1 ? 'the device runs' : 'all devices run'} ${version} already`;
  }
  return `no variant of ${version} suits any of ${plural(candidates.length, 'device')}; ${unsuitable.name || unsuitable.device}: ${unsuitable.reason}`;
}

/**
 * Makes a rollout and claims the slot on its devices. The first wave opens at the next tick.
 *
 * @throws FlotillaError `rollout.invalid`, `rollout.overlap`, `selector.invalid`, `server.not-found`
 */
export async function createRollout(
  context: Pick<ServerContext, 'db' | 'dialect'>,
  fleet: string,
  request: RolloutRequest,
  { actor, now }: { readonly actor: string; readonly now: number },
): Promise<RolloutDraft> {
  const draft = await draftRollout(context, fleet, request, now);
  await context.db.transaction().execute(async (trx) => {
    await context.dialect.lock(trx, `claims ${fleet}/${draft.slot}`);
    await holdGroups(context.dialect, trx, fleet, draft.selector);
    const kept = await claim(context.dialect, trx, fleet, draft, now);
    await trx
      .insertInto('rollouts')
      .values({
        fleet,
        rollout: draft.id,
        model: draft.model,
        version: draft.version,
        slot: draft.slot,
        selector: draft.selector,
        state: 'running',
        halted_by: '',
        sentence: '',
        wave: -1,
        sizes: JSON.stringify(draft.sizes),
        settings: JSON.stringify(draft.settings),
        created_by: actor,
        created_ms: now,
        ended_ms: 0,
        priority: draft.settings.priority,
      })
      .execute();
    for (const rows of chunks(draft.members, 200)) {
      const values = rows.map((member) => memberRow(fleet, draft.id, member));
      await trx.insertInto('rollout_members').values(values).execute();
    }
    await addEvent(trx, { fleet, id: draft.id }, 'created', summary(draft, actor), now);
    await leaveToOthers(trx, { fleet, id: draft.id }, kept, now);
    await audit({ dialect: context.dialect, now: () => now }, trx, {
      fleet,
      actor,
      action: 'rollout.create',
      subject: draft.id,
      detail: { model: draft.model, version: draft.version, selector: draft.selector },
    });
  });
  return draft;
}

function summary({ model, version, members, sizes }: RolloutDraft, actor: string): string {
  const left = members.length - (sizes.at(-1) ?? 0);
  const out = left === 0 ? '' : `, ${left} left out`;
  return `${model}@${version} for ${plural(sizes.at(-1) ?? 0, 'device')} in ${plural(sizes.length, 'wave')}${out}, by ${actor}`;
}

/**
 * Takes the slot on every device that takes part, or refuses and names who holds it.
 *
 * @returns devices that stay with rollouts that have asked them already
 */
async function claim(
  dialect: ServerContext['dialect'],
  trx: Kysely<Database>,
  fleet: string,
  draft: RolloutDraft,
  now: number,
): Promise<Holding[]> {
  const { id: rollout, slot, settings } = draft;
  const devices = draft.members.flatMap(({ device, position }) => (position < 0 ? [] : [device]));
  const wanting = { fleet, id: rollout, slot, priority: settings.priority };
  const kept = await settleOverlaps(dialect, trx, wanting, devices, now);
  const others = new Set(kept.map(({ device }) => device));
  const own = devices.filter((device) => !others.has(device));
  for (const some of chunks(own, 500)) {
    const values = some.map((device) => ({ fleet, device, slot, rollout }));
    await trx.insertInto('rollout_claims').values(values).execute();
  }
  return kept;
}

export function memberRow(
  fleet: string,
  rollout: string,
  { device, position, state, reason, variant, ladder, stratum, timeZone }: DraftMember,
): Insertable<RolloutMembersTable> {
  return {
    fleet,
    rollout,
    device,
    position,
    state,
    reason,
    digest: variant?.digest ?? '',
    precision: variant?.precision ?? '',
    target_path: variant?.target_path ?? '',
    bytes: variant?.bytes ?? 0,
    deployment: '',
    attempt: 0,
    started: 0,
    retryable: 0,
    step: '',
    code: '',
    detail: '',
    bytes_done: 0,
    bytes_total: 0,
    base_digest: '',
    base_version: 0,
    sent_ms: 0,
    ended_ms: 0,
    back: '',
    back_state: 'none',
    back_attempt: 0,
    back_detail: '',
    back_ended_ms: 0,
    ladder: storedLadder(ladder),
    stratum,
    time_zone: timeZone,
  };
}

async function readyVariants(db: Kysely<Database>, fleet: string, model: string, version: number) {
  const row = await readVersion(db, fleet, model, version);
  if (row.status !== 'ready') {
    refuse(
      row.status === 'building'
        ? `${model}@${version} is still being built; try again when it is ready`
        : `the build of ${model}@${version} failed; push it again`,
    );
  }
  return listVariants(db, fleet, model, version);
}

function refuse(reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason });
}
