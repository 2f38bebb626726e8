import { AGENT_SLOT, asFlotillaError } from '@flotilla/protocol';
import type { Journal } from './journal.ts';
import { MAX_TRIAL_STARTS } from './plan.ts';
import type { Clock, Logger } from './ports.ts';
import { isBeside } from './purpose.ts';
import type { GuardedLoad } from './serving/load-guard.ts';
import type { LoadedModel } from './serving/loaded-model.ts';
import type { Serving } from './serving/serving.ts';
import { type Installed, type JournalState, sameInstalled } from './state.ts';

interface StartPorts {
  readonly journal: Journal;
  readonly serving: Serving;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
  readonly load: GuardedLoad;
}

/** A model on trial that takes longer to load does not hold up the committed one. */
const PATIENCE_MS = 3_000;
/** Slots that take longer do not hold up the connection: what they load serves when it comes. */
const LONGEST_MS = 10_000;

/**
 * Brings every slot up from the journal, before any connection and side by side, so that a model
 * that hangs holds up no other: the model on trial where there is one and it did not take the agent
 * down too often, else the committed one.
 */
export async function startSlots(ports: StartPorts): Promise<void> {
  const { journal } = ports;
  const slots = Object.keys(journal.state.slots).filter((slot) => slot !== AGENT_SLOT);
  const started = Promise.all(slots.map((slot) => startSlot(ports, slot)));
  await within(ports, started, LONGEST_MS);
}

/** Waits for that, but no longer. */
async function within(
  { clock }: StartPorts,
  done: Promise<unknown>,
  milliseconds: number,
): Promise<void> {
  const patience = new AbortController();
  const tired = clock.sleep(milliseconds, patience.signal);
  await Promise.race([done, tired]).finally(() => patience.abort());
}

async function startSlot(ports: StartPorts, slot: string): Promise<void> {
  const { journal, serving } = ports;
  const { active, trial, trialStarts = 0 } = journal.state.slots[slot] ?? {};
  const onTrial = isOnTrial(journal.state, slot) && trialStarts <= MAX_TRIAL_STARTS;
  if (trial !== undefined && onTrial) {
    const tried = tryTrial(ports, slot, trial);
    if (active === undefined) return tried;
    await within(ports, tried, PATIENCE_MS);
  }
  if (active !== undefined && serving.model(slot) === undefined) await restore(ports, slot, active);
}

/** Serves the model on trial as soon as it is loaded, if it is still on trial by then. */
async function tryTrial(ports: StartPorts, slot: string, trial: Installed): Promise<void> {
  const { journal, serving, logger, load } = ports;
  try {
    const model = await load(slot, trial);
    const now = journal.state.slots[slot]?.trial;
    if (now !== undefined && sameInstalled(now, trial)) serving.swap(slot, model);
    else await model.dispose();
  } catch (error) {
    logger.error('model does not load', { slot, digest: trial.digest, error });
    await faultTrial(journal, slot, error).catch((cause) => {
      logger.error('fault not recorded', { slot, error: cause });
    });
  }
}

/** The committed model; one that comes late serves where nothing else does by then. */
async function restore(
  { serving, logger, load }: StartPorts,
  slot: string,
  active: Installed,
): Promise<void> {
  const serve = (model: LoadedModel) => {
    if (serving.model(slot) === undefined) serving.swap(slot, model);
    else model.dispose().catch(() => undefined);
  };
  try {
    serve(await load(slot, active, { late: serve }));
  } catch (error) {
    logger.error('model does not load', { slot, digest: active.digest, error });
  }
}

const runningIn = (state: Readonly<JournalState>, slot: string) =>
  state.attempts.find(
    ({ deployment, ending }) =>
      deployment.slot === slot && ending === undefined && !isBeside(deployment),
  );

function isOnTrial(state: Readonly<JournalState>, slot: string): boolean {
  return state.slots[slot]?.trial !== undefined && runningIn(state, slot)?.fault === undefined;
}

async function faultTrial(journal: Journal, slot: string, error: unknown): Promise<void> {
  const { code, message } = asFlotillaError(error);
  await journal.update((draft) => {
    const running = runningIn(draft, slot);
    if (running !== undefined) running.fault ??= { code, detail: message, step: 'activate' };
  });
}
