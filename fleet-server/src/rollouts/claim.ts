import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import { portionsOf } from '../breathe.ts';
import type { ServerContext } from '../context.ts';
import { insertRows } from '../db/insert-rows.ts';
import type { Database } from '../db/schema.ts';
import { labHolders } from '../lab/claims.ts';
import type { RolloutDraft } from './create.ts';
import { type Holding, settleOverlaps } from './overlap.ts';
import type { Rollout } from './store.ts';

/**
 * Takes the slot on every device that takes part, those that an A/B rollout compares with included,
 * or refuses and names who holds it.
 *
 * @returns devices that stay with rollouts that have asked them already
 * @throws FlotillaError `rollout.overlap`, `lab.busy`
 */
export async function claim(
  dialect: ServerContext['dialect'],
  trx: Kysely<Database>,
  fleet: string,
  draft: RolloutDraft,
  now: number,
): Promise<Holding[]> {
  const { id, slot, settings } = draft;
  const devices = draft.members.flatMap(({ device, position, arm }) =>
    position < 0 && arm === '' ? [] : [device],
  );
  if (settings.kind === 'shadow') await refuseMeasured(trx, fleet, draft, devices);
  const wanting = { fleet, id, slot, priority: settings.priority };
  const kept = await settleOverlaps(dialect, trx, wanting, devices, now);
  const others = new Set(kept.map(({ device }) => device));
  const own = devices.filter((device) => !others.has(device));
  for await (const some of portionsOf(own)) await claimFor(dialect, trx, wanting, some);
  return kept;
}

/** Takes the slot on devices that no rollout holds. */
export async function claimFor(
  dialect: ServerContext['dialect'],
  trx: Kysely<Database>,
  { fleet, id: rollout, slot }: Pick<Rollout, 'fleet' | 'id' | 'slot'>,
  devices: readonly string[],
): Promise<void> {
  const rows = devices.map((device) => ({ device }));
  await insertRows(dialect, trx, 'rollout_claims', { fleet, slot, rollout }, rows);
}

/** What a lab measures suffers from a shadow beside it. */
async function refuseMeasured(
  trx: Kysely<Database>,
  fleet: string,
  { members }: RolloutDraft,
  devices: readonly string[],
): Promise<void> {
  const [held] = await labHolders(trx, fleet, devices);
  if (held === undefined) return;
  const name = members.find(({ device }) => device === held.device)?.name;
  const context = { device: name || held.device, holder: `lab run ${held.run}` };
  throw new FlotillaError('lab.busy', context);
}
