import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import {
  changeGroup,
  changeMembers,
  createGroup,
  deleteGroup,
  type GroupKey,
  readGroup,
} from '../../groups/groups.ts';
import { countMembers, type GroupRow, listGroups } from '../../groups/store.ts';
import { resolveSelector } from '../../selectors/resolve.ts';
import { selectIds } from '../../selectors/select.ts';
import type { Routes } from '../http.ts';
import { actorOf, type Principal } from '../principal.ts';
import { FleetAnd, FleetParams, Id, Millis, Name, SelectorText } from '../schemas.ts';

const BASE = '/api/1/fleets/:fleet/groups';
const PARAMS = FleetAnd({ group: Name });
const VIEWER = { config: { access: 'viewer' as const } };
const OPERATOR = { config: { access: 'operator' as const } };

const Kind = Type.Enum(['static', 'dynamic']);

const Group = Type.Object({
  name: Type.String(),
  kind: Kind,
  selector: Type.String({ description: 'of a dynamic group; empty for a static one' }),
  devices: Type.Optional(
    Type.Integer({ description: 'devices in it now; absent for a dynamic group in a list' }),
  ),
  createdBy: Type.String(),
  createdMs: Millis,
});

const Chosen = Type.Object(
  {
    devices: Type.Optional(Type.Array(Id, { maxItems: 10_000 })),
    selector: Type.Optional(SelectorText),
  },
  { additionalProperties: false },
);

const GroupBody = Type.Object(
  {
    name: Name,
    kind: Type.Optional(Kind),
    devices: Chosen.properties.devices,
    selector: Chosen.properties.selector,
  },
  { additionalProperties: false },
);

type Http = Parameters<Routes>[0];

/** Groups of devices: those that were put in, and those that a selector matches. */
export const groupRoutes =
  (context: ServerContext): Routes =>
  async (http) => {
    addReads(http, context);
    addChanges(http, context);
    addMembers(http, context);
  };

function addReads(app: Http, { db, now }: ServerContext): void {
  app.get(
    BASE,
    {
      ...VIEWER,
      schema: {
        summary: 'Groups by name',
        params: FleetParams,
        response: { 200: Type.Object({ items: Type.Array(Group) }) },
      },
    },
    async ({ params: { fleet } }) => {
      const counts = await countMembers(db, fleet);
      const rows = await listGroups(db, fleet);
      const countOf = ({ kind, name }: GroupRow) =>
        kind === 'static' ? (counts.get(name) ?? 0) : undefined;
      return { items: rows.map((row) => toGroup(row, countOf(row))) };
    },
  );
  app.get(
    `${BASE}/:group`,
    { ...VIEWER, schema: { params: PARAMS, response: { 200: Group } } },
    async ({ params: { fleet, group } }) => view({ db, now }, fleet, group),
  );
}

function addChanges(app: Http, context: ServerContext): void {
  app.post(
    BASE,
    {
      ...OPERATOR,
      schema: {
        summary:
          'Makes a group: static, of these devices and those that the selector matches now; or dynamic',
        params: FleetParams,
        body: GroupBody,
        response: { 201: Group },
      },
    },
    async ({ params: { fleet }, body, principal }, reply) => {
      const { name, kind = 'static', devices, selector } = body;
      await createGroup(context, keyOf(fleet, name, principal), { kind, devices, selector });
      reply.code(201);
      return view(context, fleet, name);
    },
  );
  app.patch(
    `${BASE}/:group`,
    {
      ...OPERATOR,
      schema: {
        summary: 'Gives a dynamic group another selector',
        params: PARAMS,
        body: Type.Object({ selector: SelectorText }, { additionalProperties: false }),
        response: { 200: Group },
      },
    },
    async ({ params: { fleet, group }, body: { selector }, principal }) => {
      await changeGroup(context, keyOf(fleet, group, principal), selector);
      return view(context, fleet, group);
    },
  );
  app.delete(
    `${BASE}/:group`,
    {
      ...OPERATOR,
      schema: { summary: 'Deletes a group that nothing goes by', params: PARAMS },
    },
    async ({ params: { fleet, group }, principal }, reply) => {
      await deleteGroup(context, keyOf(fleet, group, principal));
      return reply.code(204).send();
    },
  );
}

const SUMMARIES = {
  add: 'Puts devices into a static group: these, and those that the selector matches now',
  remove: 'Takes devices out of a static group: these, and those that the selector matches now',
} as const;

function addMembers(app: Http, context: ServerContext): void {
  for (const how of ['add', 'remove'] as const) {
    app.post(
      `${BASE}/:group/${how}`,
      {
        ...OPERATOR,
        schema: {
          summary: SUMMARIES[how],
          params: PARAMS,
          body: Chosen,
          response: {
            200: Type.Object({
              changed: Type.Integer({ description: 'devices that were put in or taken out' }),
              devices: Type.Integer({ description: 'devices in it now' }),
            }),
          },
        },
      },
      async ({ params: { fleet, group }, body, principal }) => {
        const key = keyOf(fleet, group, principal);
        const changed = await changeMembers(context, key, how, body);
        return { changed, devices: (await view(context, fleet, group)).devices ?? 0 };
      },
    );
  }
}

const keyOf = (fleet: string, name: string, principal: Principal): GroupKey => ({
  fleet,
  name,
  actor: actorOf(principal),
});

async function view({ db, now }: Pick<ServerContext, 'db' | 'now'>, fleet: string, name: string) {
  const row = await readGroup(db, fleet, name);
  const members = await resolveSelector(db, fleet, `group="${name}"`);
  const devices = await selectIds(db, fleet, members, { now: now() });
  return toGroup(row, devices.length);
}

const toGroup = (row: GroupRow, devices: number | undefined) => ({
  name: row.name,
  kind: row.kind,
  selector: row.selector,
  ...(devices === undefined ? {} : { devices }),
  createdBy: row.created_by,
  createdMs: row.created_ms,
});
