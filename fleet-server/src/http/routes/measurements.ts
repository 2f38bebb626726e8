import { FlotillaError } from '@flotilla/protocol';
import type { App } from '../../app.ts';
import type { ServerContext } from '../../context.ts';
import { createLabRun } from '../../lab/create.ts';
import { abortLabRun } from '../../lab/execute.ts';
import { type LabRunRow, listLabRuns, readLabRun } from '../../lab/store.ts';
import { summarizeRun, viewLabRun, viewMeasurements } from '../../lab/views.ts';
import { readVersion } from '../../registry/versions.ts';
import type { Routes } from '../http.ts';
import { PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { actorOf } from '../principal.ts';
import {
  LabRunDetail,
  LabRunParams,
  LabRunRequest,
  LabRunSummary,
  Measurements,
  VersionParams,
} from '../schemas-lab.ts';

const BASE = '/api/1/fleets/:fleet/models/:model/versions/:version/measurements';
const VIEWER = { config: { access: 'viewer' as const } };
const OPERATOR = { config: { access: 'operator' as const } };

type Http = Parameters<Routes>[0];
type Lab = Pick<App, 'lab'>;

/** What lab devices measure of a version's variants. */
export const measurementRoutes =
  (context: ServerContext, app: Lab): Routes =>
  async (http) => {
    addReads(http, context);
    addChanges(http, context, app);
  };

function addReads(http: Http, { db }: Pick<ServerContext, 'db'>): void {
  http.get(
    BASE,
    {
      ...VIEWER,
      schema: {
        summary: 'What devices measured of the variants, and what each target gets for it',
        params: VersionParams,
        response: { 200: Measurements },
      },
    },
    async ({ params: { fleet, model, version } }) => {
      await readVersion(db, fleet, model, version);
      return viewMeasurements(db, fleet, { model, version });
    },
  );
  http.get(
    `${BASE}/runs`,
    {
      ...VIEWER,
      schema: {
        summary: 'Lab runs of a version, newest first',
        params: VersionParams,
        querystring: PageQuery,
        response: { 200: PageOf(LabRunSummary) },
      },
    },
    async ({ params: { fleet, model, version }, query }) => {
      const { after, limit } = pageOf(query);
      const rows = await listLabRuns(db, fleet, { model, version }, { limit, before: after });
      return toPage(rows, { after, limit }, ({ run }) => run, summarizeRun);
    },
  );
  http.get(
    `${BASE}/runs/:run`,
    { ...VIEWER, schema: { params: LabRunParams, response: { 200: LabRunDetail } } },
    async ({ params }) => viewLabRun(db, await runOf(db, params)),
  );
}

function addChanges(http: Http, context: ServerContext, { lab }: Lab): void {
  const { db, now, changes } = context;
  http.post(
    BASE,
    {
      ...OPERATOR,
      schema: {
        summary: 'Orders every variant that suits to be measured on devices, one after the other',
        params: VersionParams,
        body: LabRunRequest,
        response: { 201: LabRunDetail },
      },
    },
    async ({ params: { fleet, model, version }, body, principal }, reply) => {
      const { devices: selector, timeoutMs = 600_000 } = body;
      const by = { actor: actorOf(principal), now: now() };
      const order = { model, version, selector, timeoutMs };
      const id = await createLabRun(context, fleet, order, by);
      changes.emit({ topic: 'lab', fleet, id });
      void lab.tick();
      reply.code(201);
      return viewLabRun(db, await readLabRun(db, fleet, id));
    },
  );
  http.post(
    `${BASE}/runs/:run/abort`,
    { ...OPERATOR, schema: { params: LabRunParams, response: { 200: LabRunDetail } } },
    async ({ params, principal }) => {
      const { fleet, run } = await runOf(db, params);
      const by = { actor: actorOf(principal), now: now() };
      await lab.publish(fleet, await abortLabRun(context, { fleet, run }, by));
      changes.emit({ topic: 'lab', fleet, id: run });
      return viewLabRun(db, await readLabRun(db, fleet, run));
    },
  );
}

/** @throws FlotillaError `server.not-found` where the run is of another version too */
async function runOf(
  db: ServerContext['db'],
  params: { fleet: string; model: string; version: number; run: string },
): Promise<LabRunRow> {
  const row = await readLabRun(db, params.fleet, params.run);
  if (row.model === params.model && row.version === params.version) return row;
  throw new FlotillaError('server.not-found', { what: 'lab run', id: params.run });
}
