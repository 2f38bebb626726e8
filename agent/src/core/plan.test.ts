import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Current, planSteps, type Step } from './plan.ts';
import type { Attempt, Installed, Stage, Wanted, WantedDeployment } from './state.ts';

const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;

const deployment = (n: number, fields: Partial<WantedDeployment> = {}): WantedDeployment => ({
  id: `d${n}`,
  attempt: 1,
  slot: 'parts',
  digest: digest(n),
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
  ...fields,
});

const installed = (n: number): Installed => ({
  deployment: `d${n}`,
  attempt: 1,
  digest: digest(n),
  model: 'parts',
  version: n,
  precision: 'int8',
});

const running = (n: number, stage: Stage, fields: Partial<Attempt> = {}): Attempt => ({
  deployment: deployment(n),
  stage,
  reported: false,
  ...fields,
});

const ended = (n: number): Attempt =>
  running(n, 'verified', {
    ending: { result: 'RESULT_FAILED', step: 'selfTest', code: '', detail: '' },
  });

const wants = (...slots: Wanted['slots']): Wanted => ({
  generation: 1,
  revision: 1,
  slots,
  keep: [],
  telemetryWindowMs: 0,
  director: '',
});

const wantsActive = (active: WantedDeployment) => wants({ name: 'parts', mode: 'present', active });

const current = (fields: Partial<Current> = {}): Current => ({
  slots: {},
  attempts: [],
  bundles: {},
  halt: { generation: 0, counter: 0, halted: false },
  nowMs: 1000,
  ...fields,
});

const kinds = (steps: readonly Step[]) => steps.map(({ kind }) => kind);
const ALL = ['download', 'verify', 'selfTest', 'activate', 'watch', 'commit'];
const trialOf2 = { parts: { active: installed(1), trial: installed(2), trialStarts: 0 } };

describe('planSteps', () => {
  test('plans the whole way for a pair that was never begun', () => {
    expect(kinds(planSteps(current(), wantsActive(deployment(1))))).toEqual(ALL);
  });

  test('resumes an attempt after the last step that is done', () => {
    const stages: Stage[] = [
      'accepted',
      'downloaded',
      'verified',
      'tested',
      'activated',
      'watched',
    ];
    for (const [done, stage] of stages.entries()) {
      const plan = planSteps(
        current({ attempts: [running(1, stage)] }),
        wantsActive(deployment(1)),
      );
      expect(kinds(plan)).toEqual(ALL.slice(done));
    }
  });

  test('never begins a pair again, and begins the next attempt', () => {
    const state = current({ attempts: [ended(1)] });
    expect(planSteps(state, wantsActive(deployment(1)))).toEqual([]);
    expect(kinds(planSteps(state, wantsActive(deployment(1, { attempt: 2 }))))).toEqual(ALL);
    const committed = current({ slots: { parts: { active: installed(1), trialStarts: 0 } } });
    expect(planSteps(committed, wantsActive(deployment(1)))).toEqual([]);
  });

  test('leaves a slot that is not named, and removes one that is absent', () => {
    const state = current({ slots: { parts: { active: installed(1), trialStarts: 0 } } });
    expect(planSteps(state, wants())).toEqual([]);
    expect(planSteps(state, wants({ name: 'parts', mode: 'absent' }))).toEqual([
      { kind: 'remove', slot: 'parts' },
    ]);
    const trial = current({ slots: trialOf2, attempts: [running(2, 'activated')] });
    expect(kinds(planSteps(trial, wants({ name: 'parts', mode: 'absent' })))).toEqual([
      'rollBack',
      'remove',
    ]);
  });

  test('ends an attempt whose successor is wanted: fails it, or rolls it back once activated', () => {
    const next = wantsActive(deployment(3));
    const early = planSteps(current({ attempts: [running(2, 'downloaded')] }), next);
    expect(early).toMatchObject([
      { kind: 'fail', fault: { code: 'deployment.superseded', step: 'verify' } },
    ]);
    const state = current({ slots: trialOf2, attempts: [running(2, 'activated')] });
    expect(kinds(planSteps(state, next))).toEqual(['rollBack']);
  });

  test('ends an attempt that has a fault, and one that took the agent down too often', () => {
    const fault = { code: 'download.failed', detail: '', step: 'download' };
    const faulty = current({ attempts: [running(1, 'accepted', { fault })] });
    expect(planSteps(faulty, wantsActive(deployment(1)))).toMatchObject([{ kind: 'fail', fault }]);
    const slots = { parts: { ...trialOf2.parts, trialStarts: 4 } };
    const looping = current({ slots, attempts: [running(2, 'activated')] });
    expect(planSteps(looping, wantsActive(deployment(2)))).toMatchObject([
      { kind: 'rollBack', fault: { code: 'deployment.crash-loop' } },
    ]);
  });

  test('waits for the window and for a clock that can be trusted, and ends what came too late', () => {
    const plan = (nowMs: number | undefined, fields: Partial<WantedDeployment>) =>
      planSteps(current({ nowMs }), wantsActive(deployment(1, fields)))[0];
    expect(plan(1000, { notBeforeMs: 2000 })).toMatchObject({ kind: 'wait', untilMs: 2000 });
    expect(plan(undefined, { notBeforeMs: 500 })).toMatchObject({ kind: 'wait' });
    expect(plan(1000, { notBeforeMs: 500, notAfterMs: 2000 })).toMatchObject({ kind: 'download' });
    expect(plan(3000, { notAfterMs: 2000 })).toMatchObject({
      kind: 'fail',
      fault: { code: 'deployment.window-closed' },
    });
    expect(plan(3000, { deadlineMs: 2000 })).toMatchObject({
      kind: 'fail',
      fault: { code: 'deployment.deadline-passed' },
    });
    const watched = running(1, 'activated', { deployment: deployment(1, { deadlineMs: 2000 }) });
    const late = current({ nowMs: 3000, attempts: [watched] });
    expect(kinds(planSteps(late, wantsActive(watched.deployment)))).toEqual(['watch', 'commit']);
  });

  test('begins nothing while the fleet is halted, and still rolls back', () => {
    const halt = { generation: 1, counter: 1, halted: true };
    expect(planSteps(current({ halt }), wantsActive(deployment(1)))).toEqual([]);
    const trial = { halt, slots: trialOf2, attempts: [running(2, 'activated')] };
    expect(kinds(planSteps(current(trial), wantsActive(deployment(2))))).toEqual(['watch']);
    expect(kinds(planSteps(current(trial), wantsActive(deployment(3))))).toEqual(['rollBack']);
  });

  test('collects what nothing names any more, when there is nothing else to do', () => {
    const state = current({
      slots: { parts: { active: installed(2), trialStarts: 0 } },
      bundles: { [digest(1)]: 'complete', [digest(2)]: 'complete' },
    });
    const wanted = wantsActive(deployment(2));
    expect(planSteps(state, wanted)).toEqual([
      { kind: 'collect', slot: '', unneeded: [digest(1)] },
    ]);
    expect(planSteps(state, { ...wanted, keep: [digest(1)] })).toEqual([]);
    expect(kinds(planSteps(state, wantsActive(deployment(3))))).toEqual(ALL);
  });

  const plan = { samplePermille: 1000, busyPermille: 100, maxTemperatureC: 0 };
  const shadow = deployment(4, { shadow: plan });
  const serving = { parts: { active: installed(1), trialStarts: 0 } };
  const withShadow = wants({ name: 'parts', mode: 'present', active: deployment(1), shadow });
  const besides = (fields: object = {}) => ({
    slots: serving,
    shadows: { parts: { installed: installed(4), starts: 0, ...fields } },
  });

  test('brings a shadow beside what serves, and keeps its bundle while it runs', () => {
    const way = ['download', 'verify', 'selfTest', 'activate', 'commit'];
    expect(kinds(planSteps(current({ slots: serving }), withShadow))).toEqual(way);
    const loading = running(4, 'tested', { deployment: shadow });
    expect(kinds(planSteps(current({ ...besides(), attempts: [loading] }), withShadow))).toEqual([
      'activate',
      'commit',
    ]);
    const bundles = { [digest(1)]: 'complete', [digest(4)]: 'complete' } as const;
    const there = current({ ...besides(), bundles, attempts: [ended(4)] });
    expect(planSteps(there, withShadow)).toEqual([]);
  });

  test('ends a shadow that is named no more, or has a reason, and takes the next one after it', () => {
    const end = { kind: 'endShadow', slot: 'parts', shadow: installed(4) };
    const there = current({ ...besides(), attempts: [ended(4)] });
    const only = wantsActive(deployment(1));
    expect(planSteps(there, only)).toEqual([end]);
    expect(planSteps(there, wants())).toEqual([end]);
    expect(planSteps({ ...there, halt: { ...there.halt, halted: true } }, only)).toEqual([end]);
    const next = deployment(5, { shadow: plan });
    expect(planSteps(there, wants({ name: 'parts', mode: 'present', shadow: next }))).toEqual([
      end,
    ]);
    const fault = { code: 'deployment.hung', detail: '', step: 'watch' };
    expect(planSteps(current(besides({ fault })), withShadow)).toEqual([{ ...end, fault }]);
    expect(planSteps(current(besides({ starts: 3 })), withShadow)).toMatchObject([
      { ...end, fault: { code: 'deployment.crash-loop' } },
    ]);
    const loading = running(4, 'tested', { deployment: shadow });
    const looping = current({ ...besides({ starts: 3 }), attempts: [loading] });
    expect(planSteps(looping, withShadow)).toMatchObject([
      { kind: 'fail', fault: { code: 'deployment.crash-loop' } },
    ]);
  });

  test('lets a shadow wait while something comes into its slot, and never the other way round', () => {
    const begun = running(4, 'downloaded', { deployment: shadow });
    const both = wants({ name: 'parts', mode: 'present', active: deployment(2), shadow });
    expect(kinds(planSteps(current({ slots: serving, attempts: [begun] }), both))).toEqual(ALL);
    const over = planSteps(current(besides({ starts: 9 })), both);
    expect(kinds(over)).toEqual([...ALL, 'endShadow']);
  });

  test('runs nothing beside the agent', () => {
    const beside = { ...shadow, slot: '_agent' };
    const wanted = wants({ name: '_agent', mode: 'present', shadow: beside });
    expect(planSteps(current(), wanted)).toMatchObject([
      { kind: 'fail', fault: { code: 'deployment.unsupported' } },
    ]);
  });

  const measured = deployment(4, { measureOnly: true });
  const measuring = (stage: Stage, fields: Partial<Attempt> = {}) =>
    running(4, stage, { deployment: measured, ...fields });

  test('measures beside what serves, without ever loading it, and lets the bundle go', () => {
    const slots = { parts: { active: installed(1), trialStarts: 0 } };
    const wanted = wants({
      name: 'parts',
      mode: 'present',
      active: deployment(1),
      shadow: measured,
    });
    const bundles = { [digest(1)]: 'complete', [digest(4)]: 'complete' } as const;
    const begun = planSteps(current({ slots }), wanted);
    expect(kinds(begun)).toEqual(['download', 'verify', 'selfTest', 'commit']);
    const tested = current({ slots, bundles, attempts: [measuring('tested')] });
    expect(kinds(planSteps(tested, wanted))).toEqual(['commit']);
    const ending = { result: 'RESULT_COMMITTED', step: 'commit', code: '', detail: '' } as const;
    const over = current({ slots, bundles, attempts: [measuring('tested', { ending })] });
    expect(planSteps(over, wanted)).toEqual([{ kind: 'collect', slot: '', unneeded: [digest(4)] }]);
  });

  test('measures while nothing else happens in the slot, and while that waits for its window', () => {
    const both = (active: WantedDeployment) =>
      planSteps(
        current({ attempts: [measuring('downloaded')] }),
        wants({ name: 'parts', mode: 'present', active, shadow: measured }),
      );
    expect(kinds(both(deployment(1)))).toEqual(ALL);
    expect(kinds(both(deployment(1, { notBeforeMs: 2000 })))).toEqual([
      'wait',
      ...ALL,
      'verify',
      'selfTest',
      'commit',
    ]);
  });

  test('ends a measurement that has a fault or is wanted no more, and no model with it', () => {
    const fault = { code: 'download.failed', detail: '', step: 'download' };
    const slots = { parts: { active: installed(1), trialStarts: 0 } };
    const plan = (attempt: Attempt, ...wanted: Wanted['slots']) =>
      planSteps(current({ slots, attempts: [attempt] }), wants(...wanted));
    const wanted = { name: 'parts', mode: 'present', shadow: measured } as const;
    expect(plan(measuring('accepted', { fault }), wanted)).toMatchObject([{ kind: 'fail', fault }]);
    expect(plan(measuring('verified'))).toMatchObject([
      { kind: 'fail', fault: { code: 'deployment.superseded', step: 'selfTest' } },
    ]);
    const busy = deployment(2);
    expect(
      kinds(plan(measuring('verified'), { ...wanted, shadow: deployment(5), active: busy })),
    ).toEqual([...ALL, 'fail']);
  });

  test('gives the same plan for the same inputs, and never begins a step for an ended pair', () => {
    const stages = fc.constantFrom<Stage>('accepted', 'downloaded', 'tested', 'activated');
    const attempts = fc.uniqueArray(
      fc.record({ n: fc.integer({ min: 1, max: 4 }), stage: stages, over: fc.boolean() }),
      { maxLength: 3, selector: ({ n }) => n },
    );
    const wantedN = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(attempts, wantedN, fc.boolean(), (rows, n, halted) => {
        const [open, ...rest] = rows;
        const state = current({
          halt: { generation: 0, counter: 0, halted },
          attempts: [
            ...(open ? [open.over ? ended(open.n) : running(open.n, open.stage)] : []),
            ...rest.map((row) => ended(row.n)),
          ],
        });
        const wanted = wantsActive(deployment(n));
        const plan = planSteps(state, wanted);
        expect(planSteps(structuredClone(state), structuredClone(wanted))).toEqual(plan);
        const over = state.attempts.filter(({ ending }) => ending).map((row) => row.deployment.id);
        for (const step of plan) {
          if ('deployment' in step) expect(over).not.toContain(step.deployment.id);
        }
      }),
    );
  });
});
