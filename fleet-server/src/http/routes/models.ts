import { FlotillaError, PRECISIONS } from '@flotilla/protocol';
import { targetById } from '@flotilla/targets';
import { Type } from 'typebox';
import type { App } from '../../app.ts';
import { type BuildRequest, type BuildRow, newestBuild } from '../../builds/store.ts';
import type { ServerContext } from '../../context.ts';
import {
  listVariants,
  readVersion,
  type VariantRow,
  type VersionRow,
} from '../../registry/versions.ts';
import type { Routes } from '../http.ts';
import { numberAfter, PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, FleetParams, ModelName } from '../schemas.ts';
import { Model, Pushed, PushQuery, Version, VersionDetail } from '../schemas-models.ts';

const BASE = '/api/1/fleets/:fleet/models';

type Http = Parameters<Routes>[0];

const toVersion = (row: VersionRow) => ({
  model: row.model,
  version: row.version,
  status: row.status,
  sourceDigest: row.source_digest,
  createdBy: row.created_by,
  createdMs: row.created_ms,
});

const object = (text: string) => JSON.parse(text) as Record<string, unknown>;

const toBuild = (row: BuildRow) => ({
  build: row.build,
  status: row.status,
  progress: object(row.progress),
  result: object(row.result),
  errorCode: row.error_code,
  error: row.error,
  createdMs: row.created_ms,
  finishedMs: row.finished_ms,
});

const toVariant = (row: VariantRow) => ({
  target: row.target,
  precision: row.precision,
  digest: row.digest,
  bytes: row.bytes,
  memoryBytes: row.memory_bytes,
  opset: row.opset,
  withinBudget: row.within_budget === 1,
  report: object(row.report),
});

/** Models, their versions, what the builder makes of them, and the variants. */
export const modelRoutes =
  (context: ServerContext, app: Pick<App, 'pushModel'>): Routes =>
  async (http) => {
    http.addContentTypeParser(
      ['application/x-tar', 'application/octet-stream'],
      (_request, payload, done) => done(null, payload),
    );
    addModels(http, context);
    addPush(http, app);
    addVersions(http, context);
  };

type Db = Pick<ServerContext, 'db'>;

function addModels(http: Http, { db }: Db): void {
  http.get(
    BASE,
    {
      config: { access: 'viewer' },
      schema: { params: FleetParams, querystring: PageQuery, response: { 200: PageOf(Model) } },
    },
    async (request) => {
      const page = pageOf(request.query);
      const rows = await db
        .selectFrom('models')
        .selectAll()
        .where('fleet', '=', request.params.fleet)
        .where('model', '>', page.after)
        .orderBy('model')
        .limit(page.limit)
        .execute();
      const toModel = (row: (typeof rows)[number]) => ({
        model: row.model,
        lastVersion: row.last_version,
        createdMs: row.created_ms,
      });
      return toPage(rows, page, (row) => row.model, toModel);
    },
  );
}

function addPush(http: Http, app: Pick<App, 'pushModel'>): void {
  http.post(
    `${BASE}/:model/versions`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Pushes a version as a tar: a model with its data to build, or ready bundles',
        consumes: ['application/x-tar'],
        params: FleetAnd({ model: ModelName }),
        querystring: PushQuery,
        response: { 202: Pushed },
      },
    },
    async (request, reply) => {
      const { fleet, model } = request.params;
      const actor = actorOf(request.principal);
      const content = streamOf(request.body);
      const order = { fleet, model, actor, content, request: buildRequest(request.query) };
      const build = await app.pushModel(order);
      reply.code(202);
      return { model, version: build.version, build: build.build };
    },
  );
}

function addVersions(http: Http, { db }: Db): void {
  http.get(
    `${BASE}/:model/versions`,
    {
      config: { access: 'viewer' },
      schema: {
        params: FleetAnd({ model: ModelName }),
        querystring: PageQuery,
        response: { 200: PageOf(Version) },
      },
    },
    async (request) => {
      const page = pageOf(request.query);
      const rows = await db
        .selectFrom('versions')
        .selectAll()
        .where('fleet', '=', request.params.fleet)
        .where('model', '=', request.params.model)
        .where('version', '>', numberAfter(page))
        .orderBy('version')
        .limit(page.limit)
        .execute();
      return toPage(rows, page, (row) => String(row.version), toVersion);
    },
  );
  http.get(
    `${BASE}/:model/versions/:version`,
    {
      config: { access: 'viewer' },
      schema: {
        params: FleetAnd({
          model: ModelName,
          version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
        }),
        response: { 200: VersionDetail },
      },
    },
    async (request) => {
      const { fleet, model, version } = request.params;
      const row = await readVersion(db, fleet, model, version);
      const build = await newestBuild(db, fleet, model, version);
      const variants = await listVariants(db, fleet, model, version);
      return {
        ...toVersion(row),
        ...(build === undefined ? {} : { build: toBuild(build) }),
        variants: variants.map(toVariant),
      };
    },
  );
}

/** @throws FlotillaError `request.invalid`, `target.unknown` */
function buildRequest(query: {
  readonly targets?: string;
  readonly precisions?: string;
  readonly maxDrop?: number;
}): BuildRequest {
  const split = (text: string) => text.split(',').filter((item) => item !== '');
  const targets = split(query.targets ?? '');
  for (const target of targets) targetById(target);
  const named = split(query.precisions ?? 'auto');
  const unknown = named.find((name) => name !== 'auto' && !PRECISIONS.some((p) => p === name));
  if (unknown !== undefined) {
    const reason = `${JSON.stringify(unknown)} is none of auto, ${PRECISIONS.join(', ')}`;
    throw new FlotillaError('request.invalid', { where: 'precisions', reason });
  }
  const auto = named.length === 0 || named.includes('auto');
  return {
    targets: targets.length === 0 ? ['x86-64'] : targets,
    precisions: auto ? 'auto' : named,
    ...(query.maxDrop === undefined ? {} : { maxDrop: query.maxDrop }),
  };
}

function streamOf(body: unknown): AsyncIterable<Uint8Array> {
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    return body as AsyncIterable<Uint8Array>;
  }
  const reason = 'send a tar with Content-Type: application/x-tar';
  throw new FlotillaError('request.invalid', { where: 'body', reason });
}
