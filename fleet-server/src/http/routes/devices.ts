import { FlotillaError, whyIncompatible } from '@flotilla/protocol';
import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import type { DeploymentRow } from '../../devices/deployments.ts';
import { publishDesired } from '../../devices/desired.ts';
import { type DeviceRow, editDevice, listDevices, readDevice } from '../../devices/store.ts';
import { trySelector } from '../../selectors/selection.ts';
import type { Routes } from '../http.ts';
import { PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, FleetParams, Free, Id, Label, Millis, SelectorText, Tags } from '../schemas.ts';

const Device = Type.Object({
  device: Id,
  name: Type.String(),
  status: Type.String(),
  target: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
  capabilities: Free,
  agentVersion: Type.String(),
  protocolMinor: Type.Integer(),
  incompatible: Type.String({
    description: 'why this server does not work with its agent; empty where it does',
  }),
  enrolledMs: Millis,
  online: Type.Boolean(),
  lastSeenMs: Type.Integer({ minimum: 0, description: '0: never' }),
  active: Type.Array(Free),
  revision: Type.Integer(),
});

const Deployment = Type.Object({
  deployment: Id,
  slot: Type.String(),
  role: Type.String(),
  model: Type.String(),
  version: Type.Integer(),
  precision: Type.String(),
  digest: Type.String(),
  rollout: Type.String(),
  reason: Type.String(),
  attempt: Type.Integer(),
  result: Type.String(),
  step: Type.String(),
  code: Type.String(),
  detail: Type.String(),
  selfTest: Type.Optional(Free),
  transfer: Type.Optional(Free),
  createdMs: Millis,
  updatedMs: Millis,
});

const DeviceEditBody = Type.Object(
  {
    name: Type.Optional(Label),
    tags: Type.Optional(Tags),
    target: Type.Optional(
      Type.String({
        maxLength: 63,
        pattern: '^[a-z0-9._-]*$',
        description: 'a target, such as raspberry-pi-5, or empty',
      }),
    ),
    status: Type.Optional(Type.Union([Type.Literal('accepted'), Type.Literal('revoked')])),
  },
  { additionalProperties: false },
);

const Selected = Type.Object({ selector: Type.Optional(SelectorText) });

const Selection = Type.Object({
  devices: Type.Array(Id),
  total: Type.Integer({ description: 'devices of the fleet' }),
  note: Type.String({ description: 'why it matches none; empty where it matches some' }),
});

const toDevice = (row: DeviceRow) => ({
  device: row.device,
  name: row.name,
  status: row.status,
  target: row.target,
  tags: JSON.parse(row.tags) as Record<string, string>,
  capabilities: JSON.parse(row.capabilities) as Record<string, unknown>,
  agentVersion: row.agent_version,
  protocolMinor: row.protocol_minor,
  incompatible: whyIncompatible(row.protocol_minor) ?? '',
  enrolledMs: row.enrolled_ms,
  online: row.online === 1,
  lastSeenMs: row.last_seen_ms,
  active: JSON.parse(row.active) as Record<string, unknown>[],
  revision: row.revision,
});

const toDeployment = (row: DeploymentRow) => ({
  deployment: row.deployment,
  slot: row.slot,
  role: row.role,
  model: row.model,
  version: row.version,
  precision: row.precision,
  digest: row.digest,
  rollout: row.rollout,
  reason: row.reason,
  attempt: row.attempt,
  result: row.result,
  step: row.step,
  code: row.code,
  detail: row.detail,
  ...(row.self_test === ''
    ? {}
    : { selfTest: JSON.parse(row.self_test) as Record<string, unknown> }),
  ...(row.transfer === '' ? {} : { transfer: JSON.parse(row.transfer) as Record<string, unknown> }),
  createdMs: row.created_ms,
  updatedMs: row.updated_ms,
});

const etagOf = (row: DeviceRow): string => `"${row.edits}"`;

/** Devices, what they report, and what a person may change of them. */
export const deviceRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const base = '/api/1/fleets/:fleet/devices';
    const params = FleetAnd({ device: Id });
    app.get(
      base,
      {
        config: { access: 'viewer' },
        schema: {
          summary: 'Devices by id, or those that a selector matches',
          params: FleetParams,
          querystring: Type.Intersect([PageQuery, Selected]),
          response: { 200: PageOf(Device) },
        },
      },
      async ({ params: { fleet }, query }) => {
        const page = pageOf(query);
        const rows = await listDevices(context, fleet, page, query.selector);
        return toPage(rows, page, (row) => row.device, toDevice);
      },
    );
    app.get(
      `${base}/selection`,
      {
        config: { access: 'viewer' },
        schema: {
          summary: 'Ids of all devices that a selector matches',
          params: FleetParams,
          querystring: Type.Required(Selected),
          response: { 200: Selection },
        },
      },
      async ({ params: { fleet }, query: { selector } }) =>
        trySelector(context.db, fleet, selector, context.now()),
    );
    app.get(
      `${base}/:device`,
      { config: { access: 'viewer' }, schema: { params, response: { 200: Device } } },
      async (request, reply) => {
        const row = await readDevice(context.db, request.params.fleet, request.params.device);
        reply.header('etag', etagOf(row));
        return toDevice(row);
      },
    );
    app.patch(
      `${base}/:device`,
      {
        config: { access: 'operator' },
        schema: {
          summary: 'Renames, tags, accepts or revokes a device; honors If-Match',
          params,
          body: DeviceEditBody,
          response: { 200: Device },
        },
      },
      async (request, reply) => {
        const { fleet, device } = request.params;
        const expected = expectedEdits(request.headers['if-match']);
        const actor = actorOf(request.principal);
        const row = await editDevice(context, actor, { fleet, device, expected }, request.body);
        if (request.body.status === 'revoked') await context.broker.revoke(fleet, device);
        else {
          await publishDesired(context, fleet, device).catch((error: Error) =>
            context.log.warn({ fleet, device, reason: error.message }, 'the device will ask'),
          );
        }
        reply.header('etag', etagOf(row));
        return toDevice(row);
      },
    );
    app.get(
      `${base}/:device/deployments`,
      {
        config: { access: 'viewer' },
        schema: { params, querystring: PageQuery, response: { 200: PageOf(Deployment) } },
      },
      async (request) => {
        const page = pageOf(request.query);
        const rows = await context.db
          .selectFrom('deployments')
          .selectAll()
          .where('fleet', '=', request.params.fleet)
          .where('device', '=', request.params.device)
          .where('deployment', page.after === '' ? '>' : '<', page.after)
          .orderBy('deployment', 'desc')
          .limit(page.limit)
          .execute();
        return toPage(rows, page, (row) => row.deployment, toDeployment);
      },
    );
  };

function expectedEdits(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined;
  const [, edits] = /^"(\d{1,15})"$/.exec(header) ?? [];
  if (edits !== undefined) return Number(edits);
  throw new FlotillaError('request.invalid', { where: 'If-Match', reason: 'is not an entity tag' });
}
