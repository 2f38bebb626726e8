import { AGENT_SLOT, FlotillaError, newId } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import { portionsOf } from '../breathe.ts';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { holdGroups } from '../groups/uses.ts';
import { readFigures } from '../lab/figures.ts';
import { checkStrata, takeSelector } from '../selectors/check-keys.ts';
import { whyNone } from '../selectors/why-none.ts';
import { audit } from '../trust/audit.ts';
import { type Candidate, chooseCandidates } from './choose.ts';
import { claim } from './claim.ts';
import { addMembers } from './enlist.ts';
import { plural, writeCount } from './gates/text.ts';
import { GATE_NAMES } from './gates/types.ts';
import { type ArmName, obstacleFor, shapeByKind } from './kinds/shape.ts';
import { type Holding, leaveToOthers } from './overlap.ts';
import { readyVariants } from './ready-variants.ts';
import { type RolloutRequest, type RolloutSettings, settingsOf } from './settings.ts';
import { addEvent } from './store.ts';
import { warningsOf } from './warnings.ts';
import { earlyEnd, MAX_DEVICES, orderDevices, waveSizes } from './waves.ts';

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
  /** What a person should know before it begins. */
  readonly warnings: readonly string[];
}

export interface DraftMember extends Candidate {
  /** Place in the order of the waves, −1 where it takes no part. */
  readonly position: number;
  readonly arm: ArmName;
}

/**
 * Chooses devices and variants, and cuts the waves; writes nothing.
 *
 * @param among only these devices; left out: every one that the selector matches
 * @throws FlotillaError `rollout.invalid`, `selector.invalid`, `server.not-found`
 */
export async function draftRollout(
  { db }: Pick<ServerContext, 'db'>,
  fleet: string,
  request: RolloutRequest,
  now: number,
  { among }: { readonly among?: readonly string[] } = {},
): Promise<RolloutDraft> {
  const { model, version } = request;
  const settings = settingsFor(request);
  const selector = await takeSelector(db, fleet, request.devices ?? 'all');
  if (among === undefined) await checkStrata(db, fleet, request.stratify ?? []);
  const variants = await readyVariants(db, fleet, model, version);
  const figures = await readFigures(db, fleet, { model, version });
  const { stratify } = settings;
  const obstacle = obstacleFor(settings.kind);
  const demand = {
    slot: model,
    selector,
    figures,
    stratify,
    now,
    obstacle,
    ...(among && { among }),
  };
  const candidates = await chooseCandidates(db, fleet, demand, variants);
  if (candidates.length === 0) {
    const why = await whyNone(db, fleet, selector, { now, accepted: true });
    refuse(`no accepted device matches ${selector.source}: ${why}`);
  }
  const id = newId(now);
  const place = { fleet, id, slot: model };
  const { taking, others, armOf } = await shapeByKind(db, place, settings, candidates);
  if (taking.length === 0) refuse(whyNoneTakesPart(others, `${model}@${version}`));
  if (taking.length > MAX_DEVICES) refuse(`${taking.length} devices are too many for one rollout`);
  const order = await orderDevices(id, taking);
  const members: DraftMember[] = [];
  const add = (one: Candidate, position: number) =>
    void members.push({ ...one, position, arm: armOf(one.device) });
  for await (const some of portionsOf(order)) {
    for (const index of some) add(taking[index]!, members.length);
  }
  for await (const some of portionsOf(others)) for (const one of some) add(one, -1);
  const sizes = waveSizes(settings.waves, taking.length);
  const { source } = selector;
  const early = earlyEnd(request.waves ?? [], taking.length);
  const general = await warningsOf(db, fleet, source, candidates.length);
  const warnings = early === undefined ? general : [...general, early];
  return { id, model, version, slot: model, selector: source, settings, sizes, members, warnings };
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
  const reason = `${unsuitable.name || unsuitable.device}: ${unsuitable.reason}`;
  const running = candidates.filter(({ state }) => state === 'unchanged').length;
  const left = candidates.length - running;
  if (running === 0) {
    return `no variant of ${version} suits any of ${plural(left, 'device')}; ${reason}`;
  }
  const others = left === 1 ? 'one' : `${left}`;
  return `${running} of ${candidates.length} devices run ${version} already, and no variant suits the other ${others}; ${reason}`;
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
    await writeRollout(context, trx, fleet, draft, { actor, now, parent: '' });
  });
  return draft;
}

/** So many rows change what a database should know of a table. */
const MANY = 5_000;

/**
 * Writes a rollout down as it was drafted, and claims the slot on its devices.
 *
 * @throws FlotillaError `rollout.overlap`, `lab.busy`
 */
export async function writeRollout(
  { dialect }: Pick<ServerContext, 'dialect'>,
  trx: Kysely<Database>,
  fleet: string,
  draft: RolloutDraft,
  { actor, now, parent }: { readonly actor: string; readonly now: number; readonly parent: string },
): Promise<void> {
  const { id, model, version, slot, selector, settings } = draft;
  await dialect.lock(trx, `claims ${fleet}/${slot}`);
  await holdGroups(dialect, trx, fleet, selector);
  const kept = await claim(dialect, trx, fleet, draft, now);
  await trx
    .insertInto('rollouts')
    .values({
      ...{ fleet, rollout: id, model, version, slot, selector, parent, kind: settings.kind },
      ...{ state: 'running', halted_by: '', sentence: '', wave: -1 },
      sizes: JSON.stringify(draft.sizes),
      settings: JSON.stringify(settings),
      created_by: actor,
      created_ms: now,
      ended_ms: 0,
      priority: settings.priority,
    })
    .execute();
  for await (const some of portionsOf(heldLast(draft.members, kept))) {
    await addMembers(dialect, trx, { fleet, id }, some);
  }
  if (draft.members.length >= MANY) await dialect.lookAgain(trx, 'rollout_members');
  await addEvent(trx, { fleet, id }, 'created', summary(draft, actor), now);
  await leaveToOthers(trx, { fleet, id }, kept, now);
  const detail = { model, version, selector, kind: settings.kind };
  await audit({ dialect, now: () => now }, trx, {
    ...{ fleet, actor, action: 'rollout.create', subject: id, detail },
  });
}

/** Devices that stay with another rollout for now are asked last: the first wave would have none. */
function heldLast(
  members: readonly DraftMember[],
  held: readonly Pick<Holding, 'device'>[],
): readonly DraftMember[] {
  if (held.length === 0) return members;
  const away = new Set(held.map(({ device }) => device));
  const free: DraftMember[] = [];
  const last: DraftMember[] = [];
  const others: DraftMember[] = [];
  for (const member of members) {
    const group = member.position < 0 ? others : away.has(member.device) ? last : free;
    group.push(member);
  }
  const order = [...free, ...last].map((member, position) => ({ ...member, position }));
  return [...order, ...others];
}

const WORDS = { update: '', shadow: 'shadow of ', ab: 'A/B of ' } as const;

function summary(draft: RolloutDraft, actor: string): string {
  const { model, version, members, sizes, settings } = draft;
  const size = sizes.at(-1) ?? 0;
  const controls = members.filter(({ arm }) => arm === 'control').length;
  const left = members.length - size - controls;
  const against = controls === 0 ? '' : `, against ${writeCount(controls)} that keep theirs`;
  const out = left === 0 ? '' : `, ${left} left out`;
  return `${WORDS[settings.kind]}${model}@${version} for ${plural(size, 'device')} in ${plural(sizes.length, 'wave')}${against}${out}, by ${actor}`;
}

function refuse(reason: string): never {
  throw new FlotillaError('rollout.invalid', { reason, field: 'devices' });
}
