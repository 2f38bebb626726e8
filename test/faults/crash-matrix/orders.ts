import { newId, type Result } from '@flotilla/protocol';
import type { LiveServer } from '../../../agent/src/testing/live-server.ts';
import { makeTinyBundle } from '../../../agent/src/testing/tiny-bundle.ts';

/** What a server wants of a device of one slot: one of two versions after the other. */
export interface Orders {
  /** The versions that the device ran before and that it shall run; 0 for none. */
  readonly old: number;
  readonly wanted: number;
  /** The id of the deployment that is wanted. */
  readonly deployment: string;
  /** Wants the other version, watched for so long. */
  swing(watchMs?: number): void;
  /**
   * Wants the other version as a shadow beside the one that runs, or none any more.
   *
   * @returns the id of the shadow's deployment; empty for none
   */
  shadow(wanted: boolean): string;
  /** How a deployment's latest attempt ended, as the server was told. */
  result(deployment: string): Result | undefined;
  /** Wants the same deployment once more. */
  again(): void;
  /** How the wanted deployment ended; undefined where the server does not know. */
  outcome(): { readonly committed: boolean; readonly code: string } | undefined;
}

export async function createOrders({ fleet }: LiveServer): Promise<Orders> {
  const bundles = await Promise.all([1, 2].map(makeTinyBundle));
  for (const bundle of bundles) fleet.publishBundle(bundle);
  const state = { old: 0, wanted: 0, deployment: '', attempt: 1, watchMs: 0, shadow: '' };

  const bundleOf = (version: number) => {
    const bundle = bundles[version - 1];
    if (bundle === undefined) throw new Error(`no version ${version}`);
    return bundle;
  };
  const other = (version: number) => (version === 1 ? 2 : 1);

  function want(): void {
    const { deployment: id, attempt, watchMs, shadow: shadowId } = state;
    const rest = { precision: 'fp32' };
    const active = fleet.deployment(bundleOf(state.wanted), { id, attempt, watchMs, ...rest });
    const plan = { samplePermille: 1000, busyPermille: 500 };
    const fields = { id: shadowId, shadow: plan, ...rest };
    const shadow = shadowId && fleet.deployment(bundleOf(other(state.wanted)), fields);
    fleet.want({
      slots: [{ name: 'parts', mode: 'MODE_PRESENT', active, ...(shadow ? { shadow } : {}) }],
    });
  }

  function outcome() {
    const { deployment: id, attempt: number } = state;
    const found = fleet
      .outcomes()
      .find(({ deployment, attempt }) => deployment === id && attempt === number);
    return found && { committed: found.result === 'RESULT_COMMITTED', code: found.code };
  }

  return {
    get old() {
      return state.old;
    },
    get wanted() {
      return state.wanted;
    },
    get deployment() {
      return state.deployment;
    },
    swing(watchMs = 30) {
      if (outcome()?.committed) state.old = state.wanted;
      state.wanted = other(state.old);
      Object.assign(state, { deployment: newId(), attempt: 1, watchMs });
      want();
    },
    again() {
      state.attempt++;
      want();
    },
    outcome,
    shadow(wanted) {
      state.shadow = wanted ? newId() : '';
      want();
      return state.shadow;
    },
    result: (deployment) =>
      fleet.outcomes().findLast((outcome) => outcome.deployment === deployment)?.result,
  };
}
