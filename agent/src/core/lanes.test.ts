import { expect, test } from 'vitest';
import { createLanes } from './lanes.ts';
import type { Step } from './plan.ts';

const remove = (slot: string): Step => ({ kind: 'remove', slot });
const collect: Step = { kind: 'collect', slot: '', unneeded: [] };

/** Lanes whose steps go on until a test ends them; one that has ended is planned no more. */
function bed() {
  const running = new Map<Step, () => void>();
  const world = { planned: [] as Step[] };
  const lanes = createLanes({
    plan: () => world.planned,
    async execute(step) {
      const { promise, resolve } = Promise.withResolvers<void>();
      running.set(step, resolve);
      await promise;
      running.delete(step);
      world.planned = world.planned.filter((other) => other !== step);
    },
    broken: (_, error) => {
      throw error;
    },
    pause: async () => undefined,
  });
  return {
    lanes,
    running,
    want(...steps: Step[]) {
      world.planned = steps;
      lanes.wake();
    },
    /** Resolves when what that makes possible has begun. */
    async end(step: Step) {
      running.get(step)?.();
      await new Promise(setImmediate);
    },
  };
}

test('slots go on side by side, and a slot does one thing at a time', async () => {
  const { want, running, end } = bed();
  const [first, second, other] = [remove('a'), remove('a'), remove('b')];
  want(first, second, other);
  expect([...running.keys()]).toEqual([first, other]);
  await end(first);
  expect([...running.keys()]).toEqual([other, second]);
});

test('garbage is collected while nothing else is done, and nothing is begun meanwhile', async () => {
  const { want, running, end } = bed();
  const [first, next] = [remove('a'), remove('b')];
  want(first);
  want(first, collect);
  expect([...running.keys()]).toEqual([first]);
  await end(first);
  expect([...running.keys()]).toEqual([collect]);
  want(next);
  expect([...running.keys()]).toEqual([collect]);
  await end(collect);
  expect([...running.keys()]).toEqual([next]);
});

test('a step that breaks again and again is tried after longer pauses, until another takes its place', async () => {
  const pauses: number[] = [];
  const steps = [remove('a'), remove('a'), remove('a'), collect, remove('a')];
  const lanes = createLanes({
    plan: () => steps.slice(0, 1),
    execute: () => Promise.reject(new Error('the disk is full')),
    broken: () => undefined,
    async pause(failures) {
      pauses.push(failures);
      steps.shift();
    },
  });
  lanes.wake();
  await lanes.idle();
  expect(pauses).toEqual([1, 2, 3, 1, 4]);
});
