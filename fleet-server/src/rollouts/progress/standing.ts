import type { BackState, MemberState } from '../types.ts';

/** How a device stands in a rollout, the way there and the way back in one word. */
export const STANDINGS = [
  'committed',
  'in-progress',
  'sent',
  'pending',
  'failed',
  'silent',
  'rolling-back',
  'rolled-back',
  'withdrawn',
] as const;
export type Standing = (typeof STANDINGS)[number];

/** The way back, once it has begun, says more than the way there. */
export function standingOf({
  state,
  backState,
}: {
  readonly state: MemberState;
  readonly backState: BackState;
}): Standing {
  switch (backState) {
    case 'sent':
    case 'in-progress':
      return 'rolling-back';
    case 'committed':
      return 'rolled-back';
    case 'failed':
      return 'failed';
    case 'none':
    case 'withdrawn':
      return standingOfState(state);
  }
}

function standingOfState(state: MemberState): Standing {
  switch (state) {
    case 'expired':
      return 'silent';
    case 'unsuitable':
    case 'unchanged':
      return 'withdrawn';
    case 'pending':
    case 'sent':
    case 'in-progress':
    case 'committed':
    case 'failed':
    case 'rolled-back':
    case 'withdrawn':
      return state;
  }
}
