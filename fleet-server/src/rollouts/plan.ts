import type {
  Action,
  BackState,
  EndState,
  MemberState,
  PlanMember,
  RolloutSnapshot,
  RolloutState,
} from './types.ts';

/** Devices that one action names at most, so that each transaction stays short. */
const BATCH = 200;
/** Attempts at bringing a device back before it is left to a person. */
const MAX_BACK_ATTEMPTS = 5;

type Phase = (snapshot: RolloutSnapshot, now: number) => Action[];

const PHASES: Readonly<Record<RolloutState, Phase>> = {
  running: planRunning,
  paused: planPaused,
  halted: planHalted,
  'rolled-back': () => [],
  done: () => [],
  aborted: () => [],
};

/**
 * What a rollout does next: pure, synchronous, the same plan for the same snapshot. The caller
 * executes the actions in order, takes a new snapshot, and plans again until nothing is left.
 *
 * @param now wall-clock milliseconds since 1970 by the server's clock
 */
export function planWave(snapshot: RolloutSnapshot, now: number): Action[] {
  return PHASES[snapshot.rollout.state](snapshot, now);
}

function planRunning(snapshot: RolloutSnapshot, now: number): Action[] {
  const urgent = planPaused(snapshot, now);
  if (urgent.length > 0) return urgent;
  const { rollout, members } = snapshot;
  if (rollout.wave < 0) return [{ kind: 'openWave', wave: 0, note: '' }];
  const size = rollout.sizes[rollout.wave] ?? 0;
  const wave = members.filter(({ position }) => position >= 0 && position < size);
  const pending = wave.filter(({ state }) => state === 'pending');
  const steps: Action[] = [
    ...batches(pending).map((devices): Action => ({ kind: 'deploy', devices })),
    ...retries(snapshot, wave, now),
  ];
  return steps.length > 0 ? steps : advance(snapshot, wave, now);
}

/** A paused rollout starts nothing, but its gates still close and its deadlines still pass. */
function planPaused({ rollout, members, verdicts }: RolloutSnapshot, now: number): Action[] {
  const closed = verdicts.find(({ state }) => state === 'closed');
  if (closed !== undefined) {
    return [{ kind: 'halt', cause: closed.gate, sentence: closed.sentence }];
  }
  const late = members.filter((one) => inFlight(one) && now >= one.sentMs + rollout.deadlineMs);
  return batches(late).map((devices) => ({ kind: 'expire', devices }));
}

function retries({ rollout }: RolloutSnapshot, wave: readonly PlanMember[], now: number): Action[] {
  return wave
    .filter((one) => willRetry(rollout, one))
    .filter((one) => now >= one.endedMs + backOff(rollout.retryMs, one.attempt))
    .map(({ device, attempt }) => ({ kind: 'retry', device, attempt: attempt + 1 }));
}

/** Opens the next wave, or ends the rollout, once the open wave has ended, soaked and been judged. */
function advance(snapshot: RolloutSnapshot, wave: readonly PlanMember[], now: number): Action[] {
  const { rollout, verdicts } = snapshot;
  const unsettled = wave.some((one) => !SETTLED[one.state] || willRetry(rollout, one));
  if (unsettled) return [];
  const settledMs = Math.max(0, ...wave.map(({ endedMs }) => endedMs));
  if (now < settledMs + rollout.soakMs) return [];
  const waiting = verdicts.filter(({ state }) => state === 'waiting');
  if (waiting.length > 0 && now < settledMs + rollout.maxSoakMs) return [];
  const note = waiting
    .map(({ sentence }) => `passed without a verdict after the longest soak: ${sentence}`)
    .join('; ');
  if (rollout.wave + 1 < rollout.sizes.length) {
    return [{ kind: 'openWave', wave: rollout.wave + 1, note }];
  }
  return [{ kind: 'finish', state: 'done', note }];
}

function planHalted({ rollout, members }: RolloutSnapshot, now: number): Action[] {
  const back = batches(members.filter(mustGoBack)).map(
    (devices): Action => ({ kind: 'rollBack', devices }),
  );
  const again = members
    .filter((one) => one.backState === 'failed' && one.backAttempt < MAX_BACK_ATTEMPTS)
    .filter((one) => now >= one.backEndedMs + backOff(rollout.retryMs, one.backAttempt))
    .map(
      ({ device, backAttempt }): Action => ({
        kind: 'retryBack',
        device,
        attempt: backAttempt + 1,
      }),
    );
  const steps = [...back, ...again];
  if (steps.length > 0 || !members.every(isBack)) return steps;
  const stuck = members
    .filter(({ backState }) => backState === 'failed')
    .map(({ device }) => device);
  const state: EndState = rollout.haltedBy === 'operator' ? 'aborted' : 'rolled-back';
  return [{ kind: 'finish', state, note: stuckNote(stuck) }];
}

const stuckNote = (devices: readonly string[]): string =>
  devices.length === 0
    ? ''
    : `could not be rolled back after ${MAX_BACK_ATTEMPTS} attempts: ${devices.slice(0, 5).join(', ')}${devices.length > 5 ? ` and ${devices.length - 5} more` : ''}`;

/** A wave does not wait for a device in such a state. */
const SETTLED: Readonly<Record<MemberState, boolean>> = {
  pending: false,
  sent: false,
  'in-progress': false,
  committed: true,
  failed: true,
  'rolled-back': true,
  expired: true,
  withdrawn: true,
  unsuitable: true,
  unchanged: true,
};

/**
 * Devices that were asked to take the version. All of them go back: one that failed runs the old
 * version already, but its desired state must stop naming the new one.
 */
const ORDERED: Readonly<Record<MemberState, boolean>> = {
  pending: false,
  sent: true,
  'in-progress': true,
  committed: true,
  failed: true,
  'rolled-back': true,
  expired: true,
  withdrawn: false,
  unsuitable: false,
  unchanged: false,
};

const BACK_ENDED: Readonly<Record<BackState, boolean>> = {
  none: false,
  sent: false,
  'in-progress': false,
  committed: true,
  failed: false,
  withdrawn: true,
};

/** Sent to the device, and the attempt has neither ended nor expired. */
const inFlight = ({ state }: Pick<PlanMember, 'state'>): boolean =>
  state === 'sent' || state === 'in-progress';

const mustGoBack = (one: PlanMember): boolean => ORDERED[one.state] && one.backState === 'none';

const isBack = (one: PlanMember): boolean =>
  one.backState === 'none'
    ? !ORDERED[one.state]
    : BACK_ENDED[one.backState] ||
      (one.backState === 'failed' && one.backAttempt >= MAX_BACK_ATTEMPTS);

const willRetry = (rollout: RolloutSnapshot['rollout'], one: PlanMember): boolean =>
  one.state === 'failed' && one.retryable && one.attempt < rollout.maxAttempts;

const backOff = (pauseMs: number, attempt: number): number => pauseMs * 2 ** (attempt - 1);

function batches(members: readonly PlanMember[]): string[][] {
  const lists: string[][] = [];
  for (let i = 0; i < members.length; i += BATCH) {
    lists.push(members.slice(i, i + BATCH).map(({ device }) => device));
  }
  return lists;
}
