import { type RolloutProgress, said } from '@flotilla/fleet-server/progress';
import { clock, count } from './text.ts';

/** What was told already, so that a line is told once. */
export interface Told {
  readonly event: string;
  readonly wait: string;
  readonly gates: ReadonlyMap<string, string>;
  readonly tenths: number;
}

const NOTHING: Told = { event: '', wait: '', gates: new Map(), tenths: 0 };

/**
 * Tells what changed since the last time, a line each: events, gates that changed their state, what
 * is waited for now, and each further tenth of the devices.
 */
export function tellChanges(
  progress: RolloutProgress,
  told: Told = NOTHING,
  say: (line: string) => void,
): Told {
  const line = (ms: number, text: string) => say(`${clock(ms)}  ${text}`);
  for (const { id, atMs, sentence } of progress.events) {
    if (id > told.event) line(atMs, sentence);
  }
  const gates = new Map<string, string>();
  for (const { gate, title, state, sentence, judgedMs } of progress.verdicts) {
    gates.set(gate, state);
    if (told.gates.get(gate) === state || state === 'not-applicable') continue;
    line(judgedMs, `${title} is ${state}: ${said(sentence)}`);
  }
  const { committed, all } = shares(progress);
  const tenths = all === 0 ? 0 : Math.floor((10 * committed) / all);
  if (tenths > told.tenths) {
    line(progress.nowMs, `${count(committed)} of ${count(all)} devices run the version`);
  }
  const wait = waitText(progress);
  if (wait !== told.wait && wait !== '') line(progress.nowMs, wait);
  return { event: progress.events.at(-1)?.id ?? told.event, gates, wait, tenths };
}

function shares({ waves }: RolloutProgress): { committed: number; all: number } {
  const committed = waves.reduce((sum, { counts }) => sum + (counts.committed ?? 0), 0);
  return { committed, all: waves.at(-1)?.reaches ?? 0 };
}

/** Without the numbers of devices, which change all the time. */
function waitText({ waitsFor: { what, sentence } }: RolloutProgress): string {
  return what === 'nothing' || what === 'devices' || what === 'back'
    ? ''
    : `waits for: ${sentence}`;
}
