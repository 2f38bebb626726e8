import type { Progress } from './squares.ts';

const PILLS = {
  running: { tone: 'info', title: 'running' },
  paused: { tone: 'warn', title: 'paused' },
  halted: { tone: 'bad', title: 'halted, rolling back' },
  'rolled-back': { tone: 'bad', title: 'stopped and rolled back' },
  done: { tone: 'ok', title: 'done' },
  aborted: { tone: 'warn', title: 'aborted' },
} as const satisfies Record<Progress['state'], { tone: string; title: string }>;

export function StatePill({ state }: Pick<Progress, 'state'>) {
  const { tone, title } = PILLS[state];
  return <span class={`pill ${tone}`}>{title}</span>;
}
