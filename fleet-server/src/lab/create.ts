import { AGENT_SLOT, FlotillaError, newId, SHADOW_MINOR } from '@flotilla/protocol';
import type { Insertable, Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database, LabOrdersTable } from '../db/schema.ts';
import { listVariants, readVersion, type VariantRow } from '../registry/versions.ts';
import { type Candidate, chooseCandidates } from '../rollouts/choose.ts';
import { chunks } from '../rollouts/store.ts';
import { takeSelector } from '../selectors/check-keys.ts';
import { audit } from '../trust/audit.ts';
import { claimForLab } from './claims.ts';

/** More is no lab: each device computes for a while and serves nothing faster by it. */
const MAX_DEVICES = 200;

export interface LabRequest {
  readonly model: string;
  readonly version: number;
  readonly selector: string;
  /** How long a device may take over one variant, its download included. */
  readonly timeoutMs: number;
}

/**
 * Orders the variants of a version to be measured on devices, each device one after the other. The
 * first are sent at the next tick.
 *
 * @returns the id of the lab run
 * @throws FlotillaError `lab.invalid`, `lab.busy`, `selector.invalid`, `server.not-found`
 */
export async function createLabRun(
  context: Pick<ServerContext, 'db' | 'dialect'>,
  fleet: string,
  request: LabRequest,
  { actor, now }: { readonly actor: string; readonly now: number },
): Promise<string> {
  const { model, version, selector: source } = request;
  const selector = await takeSelector(context.db, fleet, source);
  const variants = await measurableVariants(context.db, fleet, request);
  const candidates = await chooseCandidates(
    context.db,
    fleet,
    { slot: model, selector, now, obstacle: whyNotMeasured },
    variants,
  );
  refuseUnfit(candidates, request);
  const run = newId(now);
  const orders = candidates.flatMap((one) => ordersFor(one, { fleet, run }));
  const devices = candidates.filter(({ ladder }) => ladder.length > 0);
  await context.db.transaction().execute(async (trx) => {
    await claimForLab(context.dialect, trx, { fleet, run, slot: model, devices });
    await trx
      .insertInto('lab_runs')
      .values({
        ...{ fleet, run, model, version, selector: source, state: 'running' },
        timeout_ms: request.timeoutMs,
        created_by: actor,
        created_ms: now,
        ended_ms: 0,
      })
      .execute();
    for (const rows of chunks(orders, 200)) {
      await trx.insertInto('lab_orders').values(rows).execute();
    }
    const subject = `${model}@${version}`;
    const detail = { run, selector: source, devices: devices.length };
    await audit({ ...context, now: () => now }, trx, {
      ...{ fleet, actor, action: 'lab.run', subject, detail },
    });
  });
  return run;
}

async function measurableVariants(
  db: Kysely<Database>,
  fleet: string,
  { model, version }: LabRequest,
): Promise<VariantRow[]> {
  if (model === AGENT_SLOT) refuse('a release of the agent infers nothing that could be timed');
  const { status } = await readVersion(db, fleet, model, version);
  if (status === 'ready') return listVariants(db, fleet, model, version);
  return refuse(
    status === 'building'
      ? `${model}@${version} is still being built; try again when it is ready`
      : `the build of ${model}@${version} failed; push it again`,
  );
}

const whyNotMeasured = ({ protocol_minor }: { readonly protocol_minor: number }) =>
  protocol_minor < SHADOW_MINOR
    ? `its agent speaks protocol 1.${protocol_minor} and measures from 1.${SHADOW_MINOR} on: update the agent`
    : undefined;

function refuseUnfit(candidates: readonly Candidate[], { selector, model, version }: LabRequest) {
  const [first] = candidates;
  if (first === undefined) return refuse(`no accepted device matches ${selector}`);
  const { length } = candidates;
  // those that suit none are told of too, and so count
  if (length > MAX_DEVICES) {
    refuse(`${selector} names ${length} devices, and a lab has at most ${MAX_DEVICES}: name fewer`);
  }
  if (!candidates.some(({ ladder }) => ladder.length > 0)) {
    const who = first.name || first.device;
    refuse(`no variant of ${model}@${version} can be measured there; ${who}: ${first.reason}`);
  }
}

function ordersFor(
  { device, target, reason, ladder }: Candidate,
  { fleet, run }: { readonly fleet: string; readonly run: string },
): Insertable<LabOrdersTable>[] {
  const blank = { started: 0, retryable: 0, deployment: '', attempt: 0, code: '' } as const;
  const order = { fleet, run, device, ...blank, sent_ms: 0, ended_ms: 0 };
  if (ladder.length === 0) {
    const unsuitable = { digest: '', position: 0, target, precision: '', detail: reason };
    return [{ ...order, ...unsuitable, state: 'unsuitable' }];
  }
  return ladder.map(({ digest, target, precision }, position) => ({
    ...{ ...order, digest, position, target, precision, detail: '' },
    state: 'pending',
  }));
}

function refuse(reason: string): never {
  throw new FlotillaError('lab.invalid', { reason });
}
