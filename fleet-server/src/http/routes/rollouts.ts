import { FlotillaError } from '@flotilla/protocol';
import { Type } from 'typebox';
import type { App } from '../../app.ts';
import type { ServerContext } from '../../context.ts';
import { approveRollout } from '../../rollouts/approve.ts';
import { changeRollout, ROLLOUT_CHANGES } from '../../rollouts/change.ts';
import { createRollout, draftRollout } from '../../rollouts/create.ts';
import { withLabels } from '../../rollouts/labels.ts';
import { memberKey, pageMembers } from '../../rollouts/progress/members.ts';
import { readProgress } from '../../rollouts/progress/progress.ts';
import { RolloutRequest } from '../../rollouts/settings.ts';
import { listRollouts, type Rollout, readRollout } from '../../rollouts/store.ts';
import { MEMBER_STATES } from '../../rollouts/types.ts';
import {
  countStates,
  summarize,
  viewDraft,
  viewEvents,
  viewMembers,
  viewSettings,
  viewVerdicts,
} from '../../rollouts/views.ts';
import type { Routes } from '../http.ts';
import { PageOf, PageQuery, pageOf, toPage } from '../page.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, FleetParams, Id } from '../schemas.ts';
import {
  ApproveRequest,
  RolloutChanged,
  RolloutDetail,
  RolloutDevice,
  RolloutDraftAnswer,
  RolloutProgress,
  RolloutSummary,
} from '../schemas-rollouts.ts';

/** Devices, and events, in the answer about one rollout. */
const SHOWN = 1000;

const BASE = '/api/1/fleets/:fleet/rollouts';
const PARAMS = FleetAnd({ rollout: Id });
const MemberQuery = Type.Intersect([
  PageQuery,
  Type.Object({
    wave: Type.Optional(Type.Integer({ minimum: 0, description: 'index of a wave, from 0' })),
    state: Type.Optional(Type.Enum(MEMBER_STATES)),
  }),
]);
const VIEWER = { config: { access: 'viewer' as const } };
const OPERATOR = { config: { access: 'operator' as const } };

type Http = Parameters<Routes>[0];
type Ticker = Pick<App, 'rollouts'>;

/** Rollouts: what they would do, how they are, and what a person may do to them. */
export const rolloutRoutes =
  (context: ServerContext, ticker: Ticker): Routes =>
  async (http) => {
    addCreate(http, context, ticker);
    addReads(http, context);
    addDetails(http, context);
    addChanges(http, context, ticker);
    addApproval(http, context, ticker);
  };

function addCreate(app: Http, context: ServerContext, { rollouts }: Ticker): void {
  const { now, changes } = context;
  app.post(
    BASE,
    {
      ...OPERATOR,
      schema: {
        summary: 'Rolls a version out; with dryRun=true says only what it would do',
        params: FleetParams,
        querystring: Type.Object({ dryRun: Type.Optional(Type.Boolean()) }),
        body: RolloutRequest,
        response: { 200: RolloutDraftAnswer, 201: RolloutDraftAnswer },
      },
    },
    async (request, reply) => {
      const { fleet } = request.params;
      if (request.query.dryRun === true) {
        return viewDraft(await draftRollout(context, fleet, request.body, now()), true, now());
      }
      const by = { actor: actorOf(request.principal), now: now() };
      const draft = await createRollout(context, fleet, request.body, by);
      changes.emit({ topic: 'rollout', fleet, id: draft.id });
      void rollouts.tick();
      reply.code(201);
      return viewDraft(draft, false, by.now);
    },
  );
}

function addReads(app: Http, { db }: Pick<ServerContext, 'db'>): void {
  app.get(
    BASE,
    {
      ...VIEWER,
      schema: {
        summary: 'Rollouts, newest first',
        params: FleetParams,
        querystring: PageQuery,
        response: { 200: PageOf(RolloutSummary) },
      },
    },
    async ({ params: { fleet }, query }) => {
      const page = pageOf(query);
      const before = page.after === '' ? undefined : page.after;
      const stored = await listRollouts(db, fleet, { limit: page.limit, before });
      const rows = await withLabels(db, fleet, stored);
      const ids = rows.map(({ id }) => id);
      const counts = await countStates(db, fleet, ids);
      return toPage(
        rows,
        page,
        ({ id }) => id,
        (row) => summarize(row, counts.get(row.id) ?? {}),
      );
    },
  );
}

function addDetails(app: Http, { db, now }: Pick<ServerContext, 'db' | 'now'>): void {
  app.get(
    `${BASE}/:rollout`,
    {
      ...VIEWER,
      schema: {
        summary: 'A rollout with its first devices, every verdict and what happened',
        params: PARAMS,
        response: { 200: RolloutDetail },
      },
    },
    async ({ params: { fleet, rollout } }) => detail(db, await readRollout(db, fleet, rollout)),
  );
  app.get(
    `${BASE}/:rollout/progress`,
    {
      ...VIEWER,
      schema: {
        summary: 'How a rollout goes, counted by wave and stratum, and what it waits for',
        params: PARAMS,
        response: { 200: RolloutProgress },
      },
    },
    async ({ params: { fleet, rollout } }) =>
      readProgress(db, await readRollout(db, fleet, rollout), now()),
  );
  app.get(
    `${BASE}/:rollout/devices`,
    {
      ...VIEWER,
      schema: {
        summary: 'All devices of a rollout in the order of its waves',
        params: PARAMS,
        querystring: MemberQuery,
        response: { 200: PageOf(RolloutDevice) },
      },
    },
    async ({ params: { fleet, rollout: id }, query }) => {
      const page = pageOf(query);
      const { wave, state } = query;
      const rollout = await readRollout(db, fleet, id);
      if (wave !== undefined) checkWave(rollout, wave);
      const rows = await pageMembers(db, rollout, { ...page, wave, state });
      return toPage(await viewMembers(db, rollout, rows), page, memberKey, (row) => row);
    },
  );
}

/** @throws FlotillaError `request.invalid` where the rollout has no wave of that index */
function checkWave({ sizes }: Rollout, wave: number): void {
  if (wave < sizes.length) return;
  const waves = sizes.length === 1 ? 'one wave' : `${sizes.length} waves`;
  const reason = `there is no wave ${wave + 1}: the rollout has ${waves}`;
  throw new FlotillaError('request.invalid', { where: '', field: 'wave', reason });
}

function addChanges(app: Http, context: ServerContext, { rollouts }: Ticker): void {
  const { db, now, changes } = context;
  for (const change of ROLLOUT_CHANGES) {
    app.post(
      `${BASE}/:rollout/${change}`,
      { ...OPERATOR, schema: { params: PARAMS, response: { 200: RolloutChanged } } },
      async ({ params: { fleet, rollout: id }, principal }) => {
        const by = { actor: actorOf(principal), now: now() };
        const { rollout, answer } = await changeRollout(context, { fleet, id }, change, by);
        changes.emit({ topic: 'rollout', fleet, id });
        rollouts.touch(id);
        return { ...(await detail(db, rollout)), answer };
      },
    );
  }
}

function addApproval(app: Http, context: ServerContext, { rollouts }: Ticker): void {
  app.post(
    `${BASE}/:rollout/approve`,
    {
      config: { access: 'approver' as const },
      preValidation: async (request) => {
        request.body ??= {};
      },
      schema: {
        summary: 'Lets one wave open once the one before has passed its gates',
        params: PARAMS,
        body: ApproveRequest,
        response: { 200: RolloutChanged },
      },
    },
    async ({ params: { fleet, rollout: id }, body, principal }) => {
      const by = { actor: actorOf(principal), now: context.now(), wave: body.wave };
      const { rollout, answer } = await approveRollout(context, { fleet, id }, by);
      context.changes.emit({ topic: 'rollout', fleet, id });
      rollouts.touch(id);
      return { ...(await detail(context.db, rollout)), answer };
    },
  );
}

async function detail(db: ServerContext['db'], stored: Rollout) {
  const [rollout = stored] = await withLabels(db, stored.fleet, [stored]);
  const members = await pageMembers(db, rollout, { after: '', limit: SHOWN });
  const counts = await countStates(db, rollout.fleet, [rollout.id]);
  return {
    ...summarize(rollout, counts.get(rollout.id) ?? {}),
    settings: viewSettings(rollout.settings),
    devices: await viewMembers(db, rollout, members),
    verdicts: await viewVerdicts(db, rollout),
    events: await viewEvents(db, rollout, SHOWN),
  };
}
