import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { createLabels } from '../../dashboard/data/bundle-text.ts';
import { readComparison } from '../../dashboard/data/comparison.ts';
import { fleetRows } from '../../dashboard/data/fleet-rows.ts';
import { readOverview } from '../../dashboard/data/overview.ts';
import { readPredictions } from '../../dashboard/data/predictions.ts';
import {
  Comparison,
  FleetRow,
  Overview,
  Predictions,
  Sparklines,
} from '../../dashboard/data/schemas.ts';
import { readSparklines } from '../../dashboard/data/sparklines.ts';
import { listDevices } from '../../devices/store.ts';
import { createProfiles } from '../../drift/profiles.ts';
import { readRollout } from '../../rollouts/store.ts';
import type { Routes } from '../http.ts';
import { PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { FleetAnd, FleetParams, Id } from '../schemas.ts';

const MAX_IDS = 100;
const IDS = Type.String({
  maxLength: MAX_IDS * 27,
  pattern: '^([0-9a-z]{26}(,|$))*$',
  description: `ids of devices, separated by commas, at most ${MAX_IDS}`,
});

const BASE = '/api/1/fleets/:fleet/overview';
const VIEWER = { config: { access: 'viewer' as const } };

type Http = Parameters<Routes>[0];
type Parts = Pick<ServerContext, 'db' | 'now' | 'artifacts'>;

/** What the dashboard shows, composed of what other routes give in parts. */
export const overviewRoutes =
  (context: Parts): Routes =>
  async (http) => {
    addTable(http, context);
    addPictures(http, context);
  };

/** The head of the fleet page, and its table. */
function addTable(app: Http, { db, now }: Parts): void {
  app.get(
    BASE,
    { ...VIEWER, schema: { params: FleetParams, response: { 200: Overview } } },
    async ({ params: { fleet }, principal }) => {
      const role = principal.kind === 'user' ? principal.role : 'none';
      return readOverview(db, fleet, { role, now: now() });
    },
  );
  app.get(
    `${BASE}/devices`,
    {
      ...VIEWER,
      schema: {
        summary: 'Rows of the fleet table: devices with their newest figures',
        params: FleetParams,
        querystring: Type.Intersect([PageQuery, Type.Object({ ids: Type.Optional(IDS) })]),
        response: { 200: PageOf(FleetRow) },
      },
    },
    async ({ params: { fleet }, query }) => {
      const page = pageOf(query);
      const devices =
        query.ids === undefined
          ? await listDevices({ db, now }, fleet, page)
          : await devicesOf(db, fleet, splitIds(query.ids));
      const rows = await fleetRows(db, fleet, devices, now());
      return toPage(
        rows,
        query.ids === undefined ? page : { ...page, limit: MAX_IDS + 1 },
        (row) => row.device,
        (row) => row,
      );
    },
  );
}

/** Lines and bars beside the tables. */
function addPictures(app: Http, { db, now, artifacts }: Parts): void {
  const readers = { labelsFor: createLabels(artifacts), profileFor: createProfiles(artifacts) };
  app.get(
    `${BASE}/sparklines`,
    {
      ...VIEWER,
      schema: {
        params: FleetParams,
        querystring: Type.Object({ ids: IDS }),
        response: { 200: Sparklines },
      },
    },
    async ({ params: { fleet }, query: { ids } }) =>
      readSparklines(db, fleet, splitIds(ids), now()),
  );
  app.get(
    `${BASE}/predictions`,
    {
      ...VIEWER,
      schema: {
        summary: 'Classes and confidence of each version in the last hour, and its reference',
        params: FleetParams,
        querystring: Type.Object({ device: Type.Optional(Id) }),
        response: { 200: Type.Object({ items: Type.Array(Predictions) }) },
      },
    },
    async ({ params: { fleet }, query: { device } }) => ({
      items: await readPredictions(db, { fleet, device, now: now() }, readers),
    }),
  );
  app.get(
    `${BASE}/rollouts/:rollout/comparison`,
    {
      ...VIEWER,
      schema: {
        summary: 'The new version against the previous one on the same devices',
        params: FleetAnd({ rollout: Id }),
        response: { 200: Comparison },
      },
    },
    async ({ params: { fleet, rollout } }) =>
      readComparison(db, await readRollout(db, fleet, rollout), readers.labelsFor),
  );
}

const splitIds = (ids: string): string[] =>
  ids
    .split(',')
    .filter((id) => id !== '')
    .slice(0, MAX_IDS);

function devicesOf(db: ServerContext['db'], fleet: string, ids: readonly string[]) {
  if (ids.length === 0) return [];
  return db
    .selectFrom('devices')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', 'in', ids)
    .orderBy('device')
    .execute();
}
