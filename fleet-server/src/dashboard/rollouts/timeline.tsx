import { useDashboard } from '../app/context.ts';
import { clock } from '../app/format.ts';
import type { Rollout } from './squares.ts';

/** What happened, newest first. */
export function Timeline({ events }: Pick<Rollout, 'events'>) {
  const { now } = useDashboard();
  const today = now.value - (now.value % 60_000);
  return (
    <ol class="timeline">
      {events.toReversed().map(({ atMs, kind, sentence }, i) => (
        <li key={events.length - i} class={`event event-${kind}`}>
          <time class="mono small muted">{clock(atMs, today)}</time>
          <span>{sentence}</span>
        </li>
      ))}
    </ol>
  );
}
