import type { App } from '../../app.ts';
import type { ServerContext } from '../../context.ts';
import { createLabels, type LabelsFor } from '../../dashboard/data/bundle-text.ts';
import { compareArms } from '../../rollouts/kinds/compare-arms.ts';
import { compareShadows } from '../../rollouts/kinds/compare-shadows.ts';
import { promoteRollout } from '../../rollouts/kinds/promote.ts';
import { type Rollout, readRollout } from '../../rollouts/store.ts';
import { countStates, summarize } from '../../rollouts/views.ts';
import type { Routes } from '../http.ts';
import { keepAnswers } from '../kept-answers.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, Id } from '../schemas.ts';
import { RolloutComparison } from '../schemas-comparison.ts';
import { RolloutSummary } from '../schemas-rollouts.ts';

const BASE = '/api/1/fleets/:fleet/rollouts/:rollout';
const PARAMS = FleetAnd({ rollout: Id });

type Http = Parameters<Routes>[0];
type Ticker = Pick<App, 'rollouts'>;

/** Shadow and A/B rollouts: what they show, and their promotion. */
export const comparisonRoutes =
  (context: ServerContext, app: Ticker): Routes =>
  async (http) => {
    addComparison(http, context);
    addPromotion(http, context, app);
  };

function addComparison(http: Http, { db, now, artifacts }: ServerContext): void {
  const labelsFor = createLabels(artifacts);
  // of a week on thousands of devices it goes over hundreds of thousands of hours
  const keep = keepAnswers<Awaited<ReturnType<typeof compare>>>();
  http.get(
    `${BASE}/comparison`,
    {
      config: { access: 'viewer' },
      schema: {
        summary: 'What a shadow or an A/B rollout shows so far',
        params: PARAMS,
        response: { 200: RolloutComparison },
      },
    },
    async ({ params: { fleet, rollout: id } }) => {
      const rollout = await readRollout(db, fleet, id);
      const answer = () => compare(db, rollout, now(), labelsFor);
      return {
        kind: rollout.settings.kind,
        ...(await keep(`${fleet}/${id} ${rollout.state}`, answer)),
      };
    },
  );
}

async function compare(
  db: ServerContext['db'],
  rollout: Rollout,
  now: number,
  labelsFor: LabelsFor,
) {
  if (rollout.settings.kind === 'shadow') {
    const { sentence, ...shadow } = await compareShadows(db, rollout, now);
    const labels = await readLabels(db, rollout, labelsFor);
    return { sentence, shadow: { ...shadow, labels } };
  }
  if (rollout.settings.kind === 'ab') {
    const { sentence, ...ab } = await compareArms(db, rollout, now);
    return { sentence, ab };
  }
  return { sentence: '' };
}

/** Names of the classes, which all variants of a version share. */
async function readLabels(
  db: ServerContext['db'],
  { fleet, id }: Rollout,
  labelsFor: LabelsFor,
): Promise<string[]> {
  const row = await db
    .selectFrom('rollout_members')
    .select('digest')
    .where('fleet', '=', fleet)
    .where('rollout', '=', id)
    .where('digest', '!=', '')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? [] : [...(await labelsFor(row.digest))];
}

function addPromotion(http: Http, context: ServerContext, { rollouts }: Ticker): void {
  const { db, now, changes } = context;
  http.post(
    `${BASE}/promote`,
    {
      config: { access: 'operator' },
      schema: {
        summary: 'Turns a shadow or an A/B rollout into an update; answers with that rollout',
        params: PARAMS,
        response: { 200: RolloutSummary },
      },
    },
    async ({ params: { fleet, rollout: id }, principal }) => {
      const by = { actor: actorOf(principal), now: now() };
      const update = await promoteRollout(context, { fleet, id }, by);
      for (const one of new Set([id, update.id])) {
        changes.emit({ topic: 'rollout', fleet, id: one });
        rollouts.touch(one);
      }
      const counts = await countStates(db, fleet, [update.id]);
      return summarize(update, counts.get(update.id) ?? {});
    },
  );
}
