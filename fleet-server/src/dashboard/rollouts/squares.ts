import type { Static } from 'typebox';
import type { RolloutDevice, RolloutProgress } from '../../http/schemas-rollouts.ts';
import { type Standing, standingOf } from '../../rollouts/progress/standing.ts';
import { said as bareOf } from '../../rollouts/progress/written.ts';

export type Progress = Static<typeof RolloutProgress>;
export type Wave = Progress['waves'][number];
export type Member = Static<typeof RolloutDevice>;

/** How a device, or what stands for many, is drawn. */
export const SQUARES = {
  committed: { title: 'committed', glyph: '✓' },
  'in-progress': { title: 'in progress', glyph: '…' },
  sent: { title: 'sent', glyph: '→' },
  pending: { title: 'pending', glyph: '' },
  failed: { title: 'failed', glyph: '✕' },
  silent: { title: 'no answer', glyph: '?' },
  'rolling-back': { title: 'rolling back', glyph: '←' },
  'rolled-back': { title: 'rolled back', glyph: '↩' },
  withdrawn: { title: 'not asked', glyph: '–' },
} as const satisfies Record<Standing, { title: string; glyph: string }>;

/** What a device is at, in a few words. */
export function memberText(member: Member): string {
  const square = standingOf(member);
  const { title } = SQUARES[square];
  if (square === 'failed' || square === 'rolled-back') {
    const why = member.backDetail || member.detail || member.code;
    return why === '' ? title : `${title}: ${why}`;
  }
  if (square !== 'in-progress') return title;
  const share =
    member.step === 'download' && member.bytesTotal > 0
      ? ` ${Math.round((100 * member.bytesDone) / member.bytesTotal)} %`
      : '';
  return member.step === '' ? title : `${title}: ${member.step}${share}`;
}

/** A verdict's sentence as one of its own, without the state that stands beside it anyway. */
export function said(sentence: string): string {
  const bare = bareOf(sentence);
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

/** Devices of all waves that stand in some way. */
export const sumOf = (waves: readonly Wave[], standing: Standing): number =>
  waves.reduce((sum, { counts }) => sum + (counts[standing] ?? 0), 0);
