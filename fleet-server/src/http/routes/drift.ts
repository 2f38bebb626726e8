import { FlotillaError } from '@flotilla/protocol';
import { Type } from 'typebox';
import { type Alert, findAlert, listAlerts } from '../../alerts/store.ts';
import type { ServerContext } from '../../context.ts';
import { readLabels } from '../../rollouts/views.ts';
import type { Routes } from '../http.ts';
import { PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { FleetAnd, FleetParams, Id, Millis } from '../schemas.ts';

const Counts = Type.Array(Type.Number());

const DriftAlert = Type.Object({
  id: Id,
  kind: Type.Literal('drift'),
  scope: Type.Union([Type.Literal('device'), Type.Literal('fleet')]),
  device: Type.String({ description: 'empty for the fleet' }),
  deviceName: Type.String(),
  model: Type.String(),
  version: Type.Integer(),
  feature: Type.String(),
  state: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
  sinceMs: Millis,
  closedMs: Type.Integer({ minimum: 0, description: '0 while open' }),
  statistic: Type.Number({ description: 'population stability index' }),
  threshold: Type.Number(),
  sentence: Type.String(),
  data: Type.Object(
    { edges: Counts, reference: Counts, observed: Counts },
    { description: 'counts by bin, one bin more than edges' },
  ),
});

/** Drift alerts and the distributions behind them. */
export const driftRoutes =
  ({ db }: Pick<ServerContext, 'db'>): Routes =>
  async (app) => {
    const base = '/api/1/fleets/:fleet/drift';
    const viewer = { config: { access: 'viewer' as const } };
    app.get(
      base,
      {
        ...viewer,
        schema: {
          summary: 'Drift alerts, newest first',
          params: FleetParams,
          querystring: Type.Interface([PageQuery], {
            state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')])),
          }),
          response: { 200: PageOf(DriftAlert) },
        },
      },
      async ({ params: { fleet }, query }) => {
        const page = pageOf(query);
        const before = page.after === '' ? undefined : page.after;
        const alerts = await listAlerts(db, fleet, {
          state: query.state,
          before,
          limit: page.limit,
        });
        const view = await describe(fleet, alerts);
        return toPage(alerts, page, ({ id }) => id, view);
      },
    );
    app.get(
      `${base}/:alert`,
      {
        ...viewer,
        schema: { params: FleetAnd({ alert: Id }), response: { 200: DriftAlert } },
      },
      async ({ params: { fleet, alert: id } }) => {
        const alert = await findAlert(db, fleet, id);
        if (alert === undefined) throw new FlotillaError('server.not-found', { what: 'alert', id });
        return (await describe(fleet, [alert]))(alert);
      },
    );

    async function describe(fleet: string, alerts: readonly Alert[]) {
      const devices = alerts.flatMap(({ device }) => (device === '' ? [] : [device]));
      const labels = await readLabels(db, fleet, [...new Set(devices)]);
      return ({ fleet: _, data, ...alert }: Alert) => ({
        ...alert,
        deviceName: labels.get(alert.device)?.name ?? '',
        data: {
          edges: [...data.edges],
          reference: [...data.reference],
          observed: [...data.observed],
        },
      });
    }
  };
