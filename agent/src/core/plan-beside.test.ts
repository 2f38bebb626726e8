/** Whatever a server wants one after the other, and wherever a device is stopped. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Current, planSteps, type Step } from './plan.ts';
import { isBeside } from './purpose.ts';
import { findAttempt, type Installed, type Wanted, type WantedDeployment } from './state.ts';
import { attemptIn, installedOf } from './steps/context.ts';
import { ending } from './steps/finish.ts';

type Name = { readonly n: number; readonly as: 'active' | 'shadow' | 'measure' };

const deploymentOf = ({ n, as }: Name): WantedDeployment => ({
  id: `${as}-${n}`,
  attempt: 1,
  slot: 'parts',
  digest: `sha256:${String(n).padStart(64, '0')}`,
  url: 'http://x',
  size: 0,
  model: 'parts',
  version: n,
  precision: 'int8',
  notBeforeMs: 0,
  notAfterMs: 0,
  deadlineMs: 0,
  watchMs: 0,
  targetPath: '',
  ...(as === 'shadow'
    ? { shadow: { samplePermille: 1, busyPermille: 1, maxTemperatureC: 0 } }
    : {}),
  ...(as === 'measure' ? { measureOnly: true } : {}),
});

const wantedOf = (active: number, beside: Name | undefined): Wanted => ({
  generation: 1,
  revision: 1,
  slots: [
    {
      name: 'parts',
      mode: 'present',
      active: deploymentOf({ n: active, as: 'active' }),
      ...(beside === undefined ? {} : { shadow: deploymentOf(beside) }),
    },
  ],
  keep: [],
  telemetryWindowMs: 0,
  director: '',
});

type Journal = Omit<Current, 'nowMs'>;

const empty = (): Journal => ({
  slots: {},
  shadows: {},
  attempts: [],
  bundles: {},
  halt: { generation: 0, counter: 0, halted: false },
});

/** What the executor of a step writes into the journal. */
function execute(journal: Journal, step: Step, fails: boolean): void {
  const draft = journal as Parameters<typeof attemptIn>[0];
  const shadows = draft.shadows ?? {};
  draft.shadows = shadows;
  if (step.kind === 'collect') return void step.unneeded.map((it) => delete draft.bundles[it]);
  if (step.kind === 'endShadow') {
    const found = findAttempt(draft, { id: step.shadow.deployment, attempt: step.shadow.attempt });
    if (found !== undefined) found.ending = ending('RESULT_REMOVED', 'remove');
    delete shadows.parts;
    return;
  }
  if (!('deployment' in step)) throw new Error(`no ${step.kind} is planned here`);
  const attempt = attemptIn(draft, step.deployment);
  const beside = isBeside(step.deployment);
  const installed: Installed = installedOf(step.deployment);
  const { active } = draft.slots.parts ?? {};
  if (fails && step.kind !== 'fail' && step.kind !== 'rollBack' && step.kind !== 'commit') {
    attempt.fault = { code: 'x', detail: '', step: step.kind };
    return;
  }
  switch (step.kind) {
    case 'download':
      draft.bundles[step.deployment.digest] = 'complete';
      attempt.stage = 'downloaded';
      break;
    case 'verify':
      attempt.stage = 'verified';
      break;
    case 'selfTest':
      attempt.stage = 'tested';
      break;
    case 'activate':
      attempt.stage = 'activated';
      if (beside) shadows.parts = { installed, starts: 0 };
      else draft.slots.parts = { ...(active && { active }), trial: installed, trialStarts: 0 };
      break;
    case 'watch':
      attempt.stage = 'watched';
      break;
    case 'commit':
      if (!beside) draft.slots.parts = { active: installed, trialStarts: 0 };
      attempt.ending = ending('RESULT_COMMITTED', 'commit');
      break;
    case 'rollBack':
      if (active === undefined) delete draft.slots.parts;
      else draft.slots.parts = { active, trialStarts: 0 };
      attempt.ending = ending('RESULT_ROLLED_BACK', 'rollBack');
      break;
    case 'fail':
      if (beside) delete shadows.parts;
      attempt.ending = ending('RESULT_FAILED', 'fail');
  }
}

const wish = fc.record({
  active: fc.integer({ min: 1, max: 3 }),
  beside: fc.option(
    fc.record({
      n: fc.integer({ min: 1, max: 4 }),
      as: fc.constantFrom<Name['as']>('shadow', 'measure'),
    }),
    { nil: undefined },
  ),
  /** Steps that are done before the server wants something else. */
  steps: fc.integer({ min: 0, max: 12 }),
  /** Which of them fail. */
  failures: fc.array(fc.boolean(), { maxLength: 4 }),
  /** Whether what comes beside goes first where both may. */
  besideFirst: fc.boolean(),
});

const isOf = (step: Step): boolean =>
  'deployment' in step ? isBeside(step.deployment) : step.kind === 'endShadow';

test('what is wanted beside a model comes to its end, once, and never touches the model', () => {
  fc.assert(
    fc.property(fc.array(wish, { minLength: 1, maxLength: 6 }), (wishes) => {
      const journal = empty();
      for (const [i, { active, beside, steps, failures, besideFirst }] of wishes.entries()) {
        const wanted = wantedOf(active, beside);
        const isLast = i === wishes.length - 1;
        for (let done = 0; isLast || done < steps; done++) {
          const plan = planSteps({ ...journal, nowMs: 0 }, wanted);
          if (plan.length === 0) break;
          // a plan that never ends would be one that never comes to its end
          expect(done).toBeLessThan(40);
          const lanes = [plan.find(isOf), plan.find((step) => !isOf(step))];
          const [step] = (besideFirst ? lanes : lanes.reverse()).filter((it) => it !== undefined);
          if (step === undefined) break;
          const before = JSON.stringify(journal.slots);
          execute(journal, step, failures[done] ?? false);
          if (isOf(step)) expect(JSON.stringify(journal.slots)).toBe(before);
          const open = journal.attempts.filter((it) => isBeside(it.deployment) && !it.ending);
          expect(open.length).toBeLessThanOrEqual(1);
        }
      }
      const [last] = wishes.slice(-1);
      const named = last?.beside && deploymentOf(last.beside);
      const attempt = named && findAttempt(journal, named);
      if (named !== undefined) expect(attempt?.ending).toBeDefined();
      const isFirst = !wishes
        .slice(0, -1)
        .some(({ beside }) => beside && named && deploymentOf(beside).id === named.id);
      if (named !== undefined && isFirst && !last?.failures.includes(true)) {
        expect(attempt?.ending?.result).toBe('RESULT_COMMITTED');
      }
      const runs = attempt?.ending?.result === 'RESULT_COMMITTED' && named?.shadow !== undefined;
      expect(journal.shadows?.parts?.installed.deployment).toBe(runs ? named.id : undefined);
      const needed = new Set(
        [journal.slots.parts?.active, journal.shadows?.parts?.installed].map((it) => it?.digest),
      );
      needed.add(deploymentOf({ n: last?.active ?? 0, as: 'active' }).digest);
      expect(Object.keys(journal.bundles).filter((it) => !needed.has(it))).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
