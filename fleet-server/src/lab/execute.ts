import type { Active } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { assignDeployment, retryDeployment, withdrawShadow } from '../devices/deployments.ts';
import { audit } from '../trust/audit.ts';
import { releaseLab } from './claims.ts';
import type { LabAction } from './plan.ts';
import {
  type LabOrderRow,
  type LabRunRow,
  readLabOrders,
  readLabRun,
  setLabOrder,
} from './store.ts';

type Trx = Kysely<Database>;
type Kind = LabAction['kind'];

/** @returns the devices whose desired state changed */
type Executor = (
  trx: Trx,
  run: LabRunRow,
  order: LabOrderRow,
  now: number,
) => Promise<readonly string[]>;

const EXECUTORS: Readonly<Record<Exclude<Kind, 'finish'>, Executor>> = { send, retry, expire };

/**
 * Executes one action in one transaction. What no longer holds by then is left out.
 *
 * @returns the devices whose desired state is to be published after it
 */
export async function executeLab(
  { db, dialect }: Pick<ServerContext, 'db' | 'dialect'>,
  { fleet, run: id }: Pick<LabRunRow, 'fleet' | 'run'>,
  action: LabAction,
  now: number,
): Promise<readonly string[]> {
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, `lab ${fleet}/${id}`);
    const run = await readLabRun(trx, fleet, id);
    if (run.state !== 'running') return [];
    if (action.kind === 'finish') return end(trx, run, 'done', now);
    const orders = await readLabOrders(trx, run);
    const order = orders.find(
      ({ device, digest }) => device === action.device && digest === action.digest,
    );
    return order === undefined ? [] : EXECUTORS[action.kind](trx, run, order, now);
  });
}

async function send(trx: Trx, run: LabRunRow, order: LabOrderRow, now: number) {
  const { fleet, model, version } = run;
  const { device, digest, precision, target } = order;
  const variant = await trx
    .selectFrom('variants')
    .select(['target_path', 'bytes'])
    .where('fleet', '=', fleet)
    .where('digest', '=', digest)
    .executeTakeFirst();
  if (order.state !== 'pending' || variant === undefined) return [];
  if (await isBeingEmptied(trx, { fleet, device, slot: model })) {
    await expirePending(trx, run, device, 'its slot is being emptied: measure again after it', now);
    return [];
  }
  const deployment = await assignDeployment(
    trx,
    {
      ...{ fleet, device, slot: model, model, version, precision, digest },
      ...{ role: 'shadow', purpose: 'measure', bytes: variant.bytes },
      targetPath: variant.target_path,
      reason: `measured by lab run ${run.run}: ${precision} for ${target}`,
    },
    now,
  );
  await setLabOrder(trx, order, { state: 'sent', deployment, attempt: 1, sent_ms: now });
  return [device];
}

async function retry(trx: Trx, { fleet }: LabRunRow, order: LabOrderRow, now: number) {
  if (order.state !== 'failed' || order.retryable === 0) return [];
  await retryDeployment(trx, fleet, order.deployment, now);
  const attempt = order.attempt + 1;
  const again = { attempt, started: 0, retryable: 0, sent_ms: now, ended_ms: 0 } as const;
  await setLabOrder(trx, order, { ...again, state: 'sent' });
  return [order.device];
}

/** A device that did not even take it up is away: what else it was to measure ends with it. */
async function expire(trx: Trx, run: LabRunRow, order: LabOrderRow, now: number) {
  if (order.state !== 'sent' || now < order.sent_ms + run.timeout_ms) return [];
  const within = `within ${Math.round(run.timeout_ms / 1000)} s`;
  const detail =
    order.started === 1
      ? `took it up and has not ended it ${within}`
      : `has not answered ${within}`;
  // it may have answered just now
  if (!(await setLabOrder(trx, order, { state: 'expired', detail, ended_ms: now }))) return [];
  if (order.started === 0) await expirePending(trx, run, order.device, detail, now);
  return (await withdraw(trx, run, order)) ? [order.device] : [];
}

async function expirePending(
  trx: Trx,
  { fleet, run }: LabRunRow,
  device: string,
  detail: string,
  now: number,
): Promise<void> {
  await trx
    .updateTable('lab_orders')
    .set({ state: 'expired', detail, ended_ms: now })
    .where('fleet', '=', fleet)
    .where('run', '=', run)
    .where('device', '=', device)
    .where('state', '=', 'pending')
    .execute();
}

/** Whether a device still runs what was ordered out of a slot: an order there would undo that. */
async function isBeingEmptied(
  trx: Trx,
  { fleet, device, slot }: Readonly<Record<'fleet' | 'device' | 'slot', string>>,
): Promise<boolean> {
  const row = await trx
    .selectFrom('slots as s')
    .innerJoin('devices as d', (join) =>
      join.onRef('d.fleet', '=', 's.fleet').onRef('d.device', '=', 's.device'),
    )
    .select('d.active')
    .where('s.fleet', '=', fleet)
    .where('s.device', '=', device)
    .where('s.slot', '=', slot)
    .where('s.mode', '=', 'absent')
    .executeTakeFirst();
  const active = JSON.parse(row?.active ?? '[]') as Partial<Active>[];
  return active.some((one) => one.slot === slot);
}

const withdraw = (trx: Trx, { fleet, model }: LabRunRow, { device, deployment }: LabOrderRow) =>
  withdrawShadow(trx, { fleet, device, slot: model, deployment });

/** Ends a run: nothing more is sent, and nothing of it is left in the shadow's place. */
async function end(
  trx: Trx,
  run: LabRunRow,
  state: 'done' | 'aborted',
  now: number,
): Promise<readonly string[]> {
  const { fleet, run: id } = run;
  await trx
    .updateTable('lab_runs')
    .set({ state, ended_ms: now })
    .where('fleet', '=', fleet)
    .where('run', '=', id)
    .execute();
  const changed = new Set<string>();
  for (const order of await readLabOrders(trx, run)) {
    if (order.state === 'pending' || order.state === 'sent') {
      await setLabOrder(trx, order, { state: 'withdrawn', ended_ms: now });
    }
    if (order.deployment !== '' && (await withdraw(trx, run, order))) changed.add(order.device);
  }
  await releaseLab(trx, { fleet, run: id });
  return [...changed];
}

/**
 * Ends a lab run before its time. What is asked twice is done once.
 *
 * @returns the devices whose desired state is to be published after it
 * @throws FlotillaError `server.not-found`
 */
export async function abortLabRun(
  { db, dialect }: Pick<ServerContext, 'db' | 'dialect'>,
  { fleet, run: id }: Pick<LabRunRow, 'fleet' | 'run'>,
  { actor, now }: { readonly actor: string; readonly now: number },
): Promise<readonly string[]> {
  return db.transaction().execute(async (trx) => {
    await dialect.lock(trx, `lab ${fleet}/${id}`);
    const run = await readLabRun(trx, fleet, id);
    if (run.state !== 'running') return [];
    const subject = `${run.model}@${run.version}`;
    const detail = { run: id };
    await audit({ dialect, now: () => now }, trx, {
      ...{ fleet, actor, action: 'lab.abort', subject, detail },
    });
    return end(trx, run, 'aborted', now);
  });
}
