import { ERRORS, type SelfTest } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database, DeploymentsTable } from '../db/schema.ts';
import type { Ingested, RecordSource } from '../devices/ingest-port.ts';
import { isVariantFault } from '../rollouts/variant-fault.ts';
import type { MeasurementRow } from './figures.ts';
import { type LabOrderRow, setLabOrder } from './store.ts';

type Deployment = Selectable<DeploymentsTable>;

/**
 * What a lab run does with a device's report: writes down the figures, or why there are none. Late
 * figures of an order that had expired are as good as any.
 *
 * @param touch told after the commit that there may be something to do
 */
export async function ingestMeasurement(
  trx: Kysely<Database>,
  { receivedMs }: RecordSource,
  deployment: Deployment,
  touch: () => void,
): Promise<Ingested> {
  const order = (await trx
    .selectFrom('lab_orders')
    .selectAll()
    .where('fleet', '=', deployment.fleet)
    .where('deployment', '=', deployment.deployment)
    .executeTakeFirst()) as LabOrderRow | undefined;
  if (order === undefined || deployment.attempt !== order.attempt) return { stored: true };
  if (deployment.result === 'in-progress') {
    if (order.state === 'sent') await setLabOrder(trx, order, { state: 'sent', started: 1 });
    return { stored: true };
  }
  if (deployment.result === 'pending' || deployment.result === 'removed') return { stored: true };
  const said = readFigures(deployment);
  if (said.code === '' || isVariantFault(said.code)) {
    await writeMeasurement(trx, { ...said, ...keyOf(deployment, order), at_ms: receivedMs });
  }
  // the device ended what had lost its turn: only figures are news
  const isNews = order.state === 'sent' || (order.state === 'expired' && said.code === '');
  if (isNews) {
    await setLabOrder(trx, order, {
      state: said.code === '' ? 'measured' : 'failed',
      started: 1,
      retryable: mayPass(said.code) ? 1 : 0,
      code: said.code,
      detail: said.detail,
      ended_ms: receivedMs,
    });
  }
  return { stored: true, after: touch };
}

const mayPass = (code: string): boolean =>
  Object.hasOwn(ERRORS, code) && ERRORS[code as keyof typeof ERRORS].retryable;

const keyOf = (deployment: Deployment, { target }: LabOrderRow) => ({
  fleet: deployment.fleet,
  digest: deployment.digest,
  device: deployment.device,
  model: deployment.model,
  version: deployment.version,
  target,
  precision: deployment.precision,
});

type Figures = Pick<
  MeasurementRow,
  'p50_ms' | 'p95_ms' | 'rss_bytes' | 'runtime' | 'provider' | 'code' | 'detail'
>;

const NONE = { p50_ms: 0, p95_ms: 0, rss_bytes: 0, runtime: '', provider: '' };
/** Slower is no answer but a fault of the clock. */
const MAX_MS = 3_600_000;

/** What the device says of itself is checked: a figure that cannot be is no figure. */
function readFigures({ result, self_test, code, detail }: Deployment): Figures {
  if (result !== 'committed') return { ...NONE, code: code || 'lab.no-figures', detail };
  const test = self_test === '' ? undefined : (JSON.parse(self_test) as Partial<SelfTest>);
  const p50 = test?.latencyMs ?? 0;
  if (test?.passed !== true || !isTime(p50)) {
    const detail = `the device ended it without a time of a run (${String(p50).slice(0, 20)} ms)`;
    return { ...NONE, code: 'lab.no-figures', detail };
  }
  const p95 = test.latencyP95Ms ?? 0;
  const rss = test.rssBytes ?? 0;
  return {
    p50_ms: p50,
    p95_ms: isTime(p95) ? p95 : 0,
    rss_bytes: Number.isSafeInteger(rss) && rss > 0 ? rss : 0,
    runtime: String(test.runtime ?? '').slice(0, 80),
    provider: String(test.provider ?? '').slice(0, 80),
    ...{ code: '', detail: '' },
  };
}

const isTime = (ms: number): boolean => Number.isFinite(ms) && ms > 0 && ms <= MAX_MS;

/** The newest counts. */
async function writeMeasurement(trx: Kysely<Database>, row: MeasurementRow): Promise<void> {
  const { fleet: _fleet, digest: _digest, device: _device, ...change } = row;
  await trx
    .insertInto('measurements')
    .values(row)
    .onConflict((on) => on.columns(['fleet', 'digest', 'device']).doUpdateSet(change))
    .execute();
}
