import type { Progress as Step } from '@flotilla/converters';
import type { Progress } from './progress.ts';

/** How many tries a search takes is not known before its end, which it must not claim to be at. */
const MOST_OF_SEARCH = 0.99;

/**
 * Shows the steps of a conversion: a step of one piece by its name alone, a search by a bar that
 * never goes back and that the variants made for it leave alone.
 */
export function showSteps(progress: Progress): (step: Step) => void {
  const reached = new Map<string, number>();
  let last: Step['step'] | undefined;
  return (at) => {
    if (at.step === 'quantize' && last === 'search') return;
    last = at.step;
    const label = labelOf(at);
    if (at.total <= 1) return progress.update(label);
    const share = at.done / at.total;
    if (at.step !== 'search') return progress.update(label, share);
    const most = Math.min(MOST_OF_SEARCH, Math.max(share, reached.get(label) ?? 0));
    reached.set(label, most);
    progress.update(label, most);
  };
}

function labelOf({ step, target, precision }: Step): string {
  return [step, target, precision].filter((part) => part !== undefined).join(' ');
}
