import { useDashboard } from '../app/context.ts';
import { clock } from '../app/format.ts';
import type { Progress } from './squares.ts';

/** What happened, newest first. */
export function Timeline({ events }: Pick<Progress, 'events'>) {
  const { now } = useDashboard();
  const today = now.value - (now.value % 60_000);
  return (
    <ol class="timeline">
      {events.toReversed().map(({ id, atMs, kind, sentence }) => (
        <li key={id} class={`event event-${kind}`}>
          <time class="mono small muted">{clock(atMs, today)}</time>
          <span>{sentence}</span>
        </li>
      ))}
    </ol>
  );
}
