import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalState } from '../../../agent/src/core/state.ts';
import { until } from '../../support/until.ts';
import type { Device } from './device.ts';
import type { Hit } from './hit.ts';

/** What the journal last said, in the order of a deployment's life. */
export const STEPS = [
  'wanted',
  'accepted',
  'downloaded',
  'verified',
  'tested',
  'activated',
  'watched',
  'committed',
  'reported',
  'collected',
] as const;
export type Step = (typeof STEPS)[number] | 'rolled back';

/** A write more than was waited for is no miss that proves anything: it is tried again. */
const TRIES = 8;

/** How far a deployment is by the journal; undefined where it does not know it. */
function stepOf(journal: JournalState, deployment: string): Step | undefined {
  const attempt = journal.attempts.find((one) => one.deployment.id === deployment);
  if (attempt === undefined) {
    const named = journal.wanted.slots.some(({ active, shadow }) =>
      [active, shadow].some((it) => it?.id === deployment),
    );
    return named ? 'wanted' : undefined;
  }
  const { ending, stage, reported } = attempt;
  if (ending === undefined) return stage;
  if (ending.result === 'RESULT_ROLLED_BACK') return 'rolled back';
  const others = Object.keys(journal.bundles).some((it) => it !== attempt.deployment.digest);
  if (!others) return 'collected';
  return reported ? 'reported' : 'committed';
}

/** Kills the agent as soon as the journal says that; resolves with what it said last. */
async function killAfter(
  device: Device,
  deployment: string,
  step: Step,
): Promise<Step | undefined> {
  const written = Promise.withResolvers<void>();
  const order: readonly Step[] = [...STEPS, 'rolled back'];
  const look = () => {
    const journal = device.journal();
    const now = journal && stepOf(journal, deployment);
    if (now === undefined || order.indexOf(now) < order.indexOf(step)) return;
    device.process.killNow();
    written.resolve();
  };
  const watcher = watch(device.data, (_event, file) => {
    if (file === 'journal.json') look();
  });
  look();
  await written.promise.finally(() => watcher.close());
  await device.process.kill();
  const journal = device.journal();
  return journal && stepOf(journal, deployment);
}

/** Kills an agent right after each journalled step of a deployment, so many times each. */
export async function killAtSteps(device: Device, times: number): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (const step of STEPS) {
    for (let hit = 0, left = TRIES; hit < times && left > 0; left--) {
      device.orders.swing();
      const at = await killAfter(device, device.orders.deployment, step);
      hits.push(await restarted(device, `kill −9, journal says ${at}`));
      await device.settle();
      if (at === step) hit++;
    }
  }
  for (let hit = 0; hit < times; hit++) hits.push(await killAtRollBack(device));
  return withMissing(hits, await device.missing());
}

/** The steps of a shadow that leave something in the journal. */
export const SHADOW_STEPS: readonly Step[] = [
  'wanted',
  'accepted',
  'downloaded',
  'verified',
  'tested',
  'activated',
  'committed',
];

/** Kills an agent after journalled steps of a shadow: the active model is none the worse for it. */
export async function killAtShadowSteps(
  device: Device,
  steps: readonly Step[],
  times: number,
): Promise<Hit[]> {
  const { orders } = device;
  const hits: Hit[] = [];
  for (const step of steps) {
    for (let hit = 0, left = TRIES; hit < times && left > 0; left--) {
      const shadow = orders.shadow(true);
      const at = await killAfter(device, shadow, step);
      hits.push(await restarted(device, `kill −9, journal says ${at} of a shadow`));
      await until('the shadow', () => orders.result(shadow) === 'RESULT_COMMITTED');
      orders.shadow(false);
      await until('its end', () => orders.result(shadow) === 'RESULT_REMOVED');
      if (at === step) hit++;
    }
  }
  return withMissing(hits, await device.missing());
}

/** A newer wish ends the watch of an older one. */
async function killAtRollBack(device: Device): Promise<Hit> {
  device.orders.swing(3_600_000);
  const undone = device.orders.deployment;
  await untilOnTrial(device);
  device.orders.swing();
  const at = await killAfter(device, undone, 'rolled back');
  const hit = await restarted(device, `kill −9, journal says ${at}`);
  await device.settle();
  return hit;
}

/** Starts with a model on trial that did not end in a clean stop, before the old one serves. */
const TRIAL_DEATHS = 4;

/** Dies again and again with a model on trial: it is given up. */
export async function killInLoop(device: Device, times: number): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let hit = 0; hit < times; hit++) {
    device.orders.swing(3_600_000);
    await untilOnTrial(device);
    for (let death = 1; death <= TRIAL_DEATHS; death++) {
      await device.process.kill();
      hits.push(await restarted(device, `kill −9 number ${death} with a model on trial`));
    }
    const code = await until('the end of the attempt', () => device.orders.outcome()?.code);
    if (code !== 'deployment.crash-loop') throw new Error(`a crash loop ended with ${code}`);
    device.orders.swing();
    await device.settle();
  }
  return withMissing(hits, await device.missing());
}

const untilOnTrial = (device: Device): Promise<unknown> =>
  until('a model on trial', () => {
    const journal = device.journal();
    return journal && stepOf(journal, device.orders.deployment) === 'activated';
  });

/** Starts the agent that was killed, and looks what answers. */
export async function restarted(device: Device, where: string): Promise<Hit> {
  device.process.start();
  return { where, ...(await device.answered()), lost: 0 };
}

/** Share of kills that come before the agent serves. */
const EARLY_SHARE = 0.2;
/** An agent serves after about this time. */
const START_MS = 500;
/** A deployment takes about this long. */
const SPAN_MS = 900;

/** Kills an agent at random moments, of its start and of the deployments that follow each other. */
export async function killAtRandom(
  device: Device,
  times: number,
  random: () => number,
): Promise<Hit[]> {
  const hits: Hit[] = [];
  while (hits.length < times) {
    if (device.orders.outcome() !== undefined) device.orders.swing();
    const early = random() < EARLY_SHARE;
    if (early) {
      await device.process.kill();
      device.process.start();
    }
    await sleep(random() * (early ? START_MS : SPAN_MS));
    await device.process.kill();
    const where = early ? 'kill −9 during a start' : 'kill −9 at a random moment';
    hits.push(await restarted(device, where));
  }
  await device.settle();
  return withMissing(hits, await device.missing());
}

/** What is missing in the end is laid to the last hit: it is not known which one lost it. */
export function withMissing(hits: readonly Hit[], missing: number): Hit[] {
  return hits.map((hit, i) => (i === hits.length - 1 ? { ...hit, lost: missing } : hit));
}
