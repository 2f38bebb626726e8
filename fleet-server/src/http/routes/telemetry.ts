import { FlotillaError } from '@flotilla/protocol';
import { type Static, Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { readLatest, readSeries, readVersions, type SeriesQuery } from '../../telemetry/queries.ts';
import { HOUR_MS, MINUTE_MS } from '../../telemetry/rollups.ts';
import type { Routes } from '../http.ts';
import { FleetAnd, FleetParams, Id, Millis, Name } from '../schemas.ts';

const MAX_POINTS = 2000;

const Range = Type.Object({
  fromMs: Type.Optional(Millis),
  toMs: Type.Optional(Millis),
  grain: Type.Optional(Type.Union([Type.Literal('minute'), Type.Literal('hour')])),
  model: Type.Optional(Name),
});

const Figures = {
  model: Type.String(),
  version: Type.Integer(),
  inferences: Type.Integer(),
  errors: Type.Integer(),
  p50Ms: Type.Number(),
  p95Ms: Type.Number(),
  confidence: Type.Number({ description: 'mean top-1 probability; 0: none was measured' }),
};

const Point = Type.Object({
  startMs: Millis,
  ...Figures,
  rssBytes: Type.Integer(),
  temperatureC: Type.Number(),
});

const Version = Type.Object({
  ...Figures,
  classCounts: Type.Array(Type.Integer(), { description: 'predictions by class index' }),
  confidenceBins: Type.Array(Type.Integer()),
});

const Latest = Type.Object({
  slot: Type.String(),
  deployment: Type.String(),
  windowEndMs: Millis,
  ...Figures,
  drifted: Type.Integer({ description: "features that the device's own test calls drifted" }),
  rssBytes: Type.Integer(),
  temperatureC: Type.Number(),
  throttled: Type.Boolean(),
});

const Series = Type.Object({ series: Type.Array(Point), versions: Type.Array(Version) });

/** What devices measured: the newest, over time, and version against version. */
export const telemetryRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const { db, now } = context;
    const viewer = { config: { access: 'viewer' as const } };
    const read = async (query: SeriesQuery) => ({
      series: await readSeries(db, query),
      versions: (await readVersions(db, query)).map((version) => ({
        ...version,
        classCounts: [...version.classCounts],
        confidenceBins: [...version.confidenceBins],
      })),
    });

    app.get(
      '/api/1/fleets/:fleet/devices/:device/telemetry',
      {
        ...viewer,
        schema: {
          summary: 'Series and versions of a device; the last hour unless a range is given',
          params: FleetAnd({ device: Id }),
          querystring: Range,
          response: { 200: Type.Interface([Series], { latest: Type.Array(Latest) }) },
        },
      },
      async ({ params: { fleet, device }, query }) => ({
        latest: (await readLatest(db, fleet, device)).map(toLatest),
        ...(await read({ fleet, device, ...rangeOf(query, now()) })),
      }),
    );
    app.get(
      '/api/1/fleets/:fleet/telemetry',
      {
        ...viewer,
        schema: {
          summary: 'Series and versions over the whole fleet',
          params: FleetParams,
          querystring: Range,
          response: { 200: Series },
        },
      },
      async ({ params: { fleet }, query }) => read({ fleet, ...rangeOf(query, now()) }),
    );
  };

/** @throws FlotillaError `request.invalid` where it would be more points than a screen can draw */
function rangeOf(query: Static<typeof Range>, now: number) {
  const { toMs = now + 1, grain = 'minute', model } = query;
  const step = grain === 'minute' ? MINUTE_MS : HOUR_MS;
  const fromMs = query.fromMs ?? Math.max(0, toMs - 60 * step);
  if (fromMs >= toMs || (toMs - fromMs) / step > MAX_POINTS) {
    const reason = `must lie before toMs and span at most ${MAX_POINTS} ${grain}s`;
    throw new FlotillaError('request.invalid', { where: 'fromMs', reason });
  }
  return { fromMs: fromMs - (fromMs % step), toMs, grain, model };
}

const toLatest = (row: Awaited<ReturnType<typeof readLatest>>[number]) => ({
  slot: row.slot,
  deployment: row.deployment,
  windowEndMs: row.window_end_ms,
  model: row.model,
  version: row.version,
  inferences: row.inferences,
  errors: row.errors,
  p50Ms: row.p50_ms,
  p95Ms: row.p95_ms,
  confidence: row.confidence,
  drifted: row.drifted,
  rssBytes: row.rss_bytes,
  temperatureC: row.temperature_c,
  throttled: row.throttled === 1,
});
