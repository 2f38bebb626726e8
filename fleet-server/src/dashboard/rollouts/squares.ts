import type { Static } from 'typebox';
import type { RolloutDetail, RolloutDevice } from '../../http/schemas-rollouts.ts';

export type Rollout = Static<typeof RolloutDetail>;
export type Member = Static<typeof RolloutDevice>;

/** How a square is drawn. */
export const SQUARES = {
  pending: { title: 'pending', glyph: '' },
  sent: { title: 'sent', glyph: '→' },
  'in-progress': { title: 'in progress', glyph: '…' },
  committed: { title: 'committed', glyph: '✓' },
  failed: { title: 'failed', glyph: '✕' },
  silent: { title: 'no answer', glyph: '?' },
  'rolling-back': { title: 'rolling back', glyph: '←' },
  'rolled-back': { title: 'rolled back', glyph: '↩' },
  withdrawn: { title: 'not asked', glyph: '–' },
} as const satisfies Record<string, { title: string; glyph: string }>;
export type Square = keyof typeof SQUARES;

/** The way back, once it has begun, says more than the way there. */
export function squareOf({ state, backState }: Pick<Member, 'state' | 'backState'>): Square {
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
      return squareOfState(state);
  }
}

function squareOfState(state: Member['state']): Square {
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

/** What a device is at, in a few words. */
export function memberText(member: Member): string {
  const square = squareOf(member);
  const { title } = SQUARES[square];
  if (square === 'failed' || square === 'rolled-back') {
    const why = member.backDetail || member.detail || member.code;
    return why === '' ? title : `${title}: ${why}`;
  }
  if (square !== 'in-progress') return title;
  const share =
    member.bytesTotal > 0 ? ` ${Math.round((100 * member.bytesDone) / member.bytesTotal)} %` : '';
  return member.step === '' ? title : `${title}: ${member.step}${share}`;
}

/** A verdict's sentence without the state that stands beside it anyway. */
export function said(sentence: string): string {
  const bare = sentence.replace(/: (open|closed)(?=$|;)/, '');
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

export interface Wave {
  readonly index: number;
  readonly state: 'done' | 'open' | 'stopped' | 'waiting' | 'never';
  /** Devices that come with this wave. */
  readonly size: number;
  readonly members: readonly Member[];
}

/** Devices by wave; of a large rollout the answer holds the first only, so sizes are its own. */
export function wavesOf({ sizes, wave, state, devices }: Rollout): Wave[] {
  const ended = state === 'halted' || state === 'rolled-back' || state === 'aborted';
  const stateOf = (index: number): Wave['state'] => {
    if (index < wave || (index === wave && state === 'done')) return 'done';
    if (index === wave) return ended ? 'stopped' : 'open';
    return ended ? 'never' : 'waiting';
  };
  return sizes.map((size, index) => ({
    index,
    state: stateOf(index),
    size: size - (sizes[index - 1] ?? 0),
    members: devices.filter((member) => member.wave === index),
  }));
}
