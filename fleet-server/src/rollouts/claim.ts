import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { labHolders } from '../lab/claims.ts';
import type { RolloutDraft } from './create.ts';
import { type Holding, settleOverlaps } from './overlap.ts';
import { chunks } from './store.ts';

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
  const { id: rollout, slot, settings } = draft;
  const devices = draft.members.flatMap(({ device, position, arm }) =>
    position < 0 && arm === '' ? [] : [device],
  );
  if (settings.kind === 'shadow') await refuseMeasured(trx, fleet, draft, devices);
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
