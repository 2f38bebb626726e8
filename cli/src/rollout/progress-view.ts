import { type RolloutProgress, said } from '@flotilla/fleet-server/progress';
import { PLAIN, type Style } from '../ui/style.ts';
import { wrap } from '../ui/wrap.ts';
import { legendLines, waveLines } from './bars.ts';
import { clock, count, cut, duration, flow, plural } from './text.ts';

type Verdict = RolloutProgress['verdicts'][number];

/** Where and how it is shown. */
export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly style: Style;
}

/** What has no terminal, or must not be cut: a page as long as it is. */
export const PAGE: Canvas = { columns: 100, rows: Number.POSITIVE_INFINITY, style: PLAIN };

const GATE_TONES: Readonly<Record<Verdict['state'], keyof Style>> = {
  open: 'good',
  closed: 'bad',
  waiting: 'warn',
  'not-applicable': 'dim',
};

/** Strata that are told; of a fleet with more the rest is counted. */
const STRATA = 8;

/**
 * A rollout as a picture: waves as bars, what it waits for, gates with their sentences, and as many
 * of its last events as there is room for.
 *
 * @param progress with texts that are fit for a terminal
 * @param compared what a shadow or an A/B rollout shows, in a sentence
 */
export function progressLines(progress: RolloutProgress, canvas: Canvas, compared = ''): string[] {
  const top = [
    ...headLines(progress, canvas),
    ...(compared === '' ? [] : wrap(compared, canvas.columns)),
    '',
    ...waveLines(progress.waves, canvas),
    ...legendLines(progress.waves, canvas),
    '',
    ...countLines(progress, canvas),
  ];
  const forGates = canvas.rows - 1 - top.length - LEAST_EVENTS;
  const head = [...top, ...gateLines(progress.verdicts, canvas, forGates)];
  const room = canvas.rows - 1 - head.length - 1;
  const events = eventLines(progress, canvas, room);
  return events.length === 0 ? head : [...head, '', ...events];
}

function headLines(progress: RolloutProgress, { columns, style }: Canvas): string[] {
  const { model, version, waves, selector, state, id, sentence, kind } = progress;
  const devices = plural(waves.at(-1)?.reaches ?? 0, 'device');
  const where = selector === 'all' ? '' : ` where ${selector}`;
  const title = cut(`${model}@${version}${KINDS[kind]} → ${devices}${where}`, columns - 1);
  const { what, sentence: waits, untilMs } = progress.waitsFor;
  const until =
    untilMs > progress.nowMs ? `, at most ${duration(untilMs - progress.nowMs)} more` : '';
  const lines = [
    style.bold(title),
    ...flow(
      [`${STATES[state]}, ${ageText(progress)}`, `rollout ${id}`].map(pieceOf),
      columns,
      ' · ',
    ),
  ];
  if (sentence !== '') lines.push(...paint(wrap(said(sentence), columns), stateTone(state), style));
  if (what !== 'nothing') {
    const how =
      what === 'approval' || what === 'decision' ? `: flotilla rollout approve ${id}` : '';
    lines.push(...paint(wrap(`waits for: ${waits}${until}${how}`, columns), 'busy', style));
  }
  return lines;
}

const KINDS = { update: '', shadow: ' as a shadow', ab: ' as arm B' } as const satisfies Record<
  RolloutProgress['kind'],
  string
>;

const STATES: Readonly<Record<RolloutProgress['state'], string>> = {
  running: 'running',
  paused: 'paused',
  halted: 'halted, rolling back',
  'rolled-back': 'stopped and rolled back',
  done: 'done',
  aborted: 'aborted and rolled back',
};

const stateTone = (state: RolloutProgress['state']): keyof Style =>
  state === 'halted' || state === 'rolled-back' ? 'bad' : 'warn';

function ageText({ createdMs, endedMs, nowMs, firstFailureMs, haltedMs }: RolloutProgress): string {
  const age = endedMs > 0 ? `took ${duration(endedMs - createdMs)}` : duration(nowMs - createdMs);
  if (haltedMs === 0 || firstFailureMs === 0 || firstFailureMs > haltedMs) return age;
  return `${age} · halted ${duration(haltedMs - firstFailureMs)} after the first failure`;
}

function countLines(progress: RolloutProgress, canvas: Canvas): string[] {
  const { columns } = canvas;
  const { asked, inFlight, away, takenLastMinute, perMinute, apart } = progress;
  const parts = [
    `${count(asked)} asked`,
    `${count(inFlight)} in flight`,
    away > 0 ? `${count(away)} of those on their way not connected` : '',
    `${count(takenLastMinute)} committed in the last minute`,
    perMinute > 0 ? `at most ${count(Math.round(perMinute))} asked per minute` : '',
    apart.control > 0 ? `${count(apart.control)} keep their version (arm A)` : '',
    apart.unchanged > 0 ? `${count(apart.unchanged)} run it already` : '',
    apart.unsuitable > 0 ? `${count(apart.unsuitable)} suit no variant` : '',
  ];
  return [...wrap(parts.filter(Boolean).join(', '), columns), ...strataLines(progress, canvas)];
}

/** How the largest strata fare; nothing where there is but one. */
function strataLines(progress: RolloutProgress, { columns, style }: Canvas): string[] {
  const { strata, furtherStrata } = progress;
  const named = strata.filter(({ stratum }) => stratum !== '');
  if (named.length < 2) return [];
  const shown = named.slice(0, STRATA).map(({ stratum, size, counts }) => {
    const failed = counts.failed ?? 0;
    const bad = failed > 0 ? `, ${count(failed)} failed` : '';
    const text = cut(`${stratum} ${count(counts.committed ?? 0)}/${count(size)}${bad}`, columns);
    return { text: failed > 0 ? style.bad(text) : text, width: text.length };
  });
  const more = named.length - shown.length + furtherStrata;
  const tail = more > 0 ? [{ text: `and ${count(more)} more`, width: 14 }] : [];
  return flow([...shown, ...tail], columns, ' · ');
}

/** What is wrong first. */
const ORDER: readonly Verdict['state'][] = ['closed', 'waiting', 'open'];

/**
 * Gates that judge, each with its sentence; those that have nothing to judge in a line. Where that
 * is more than there is room for, the gates that are open are named in a line too.
 */
function gateLines(verdicts: readonly Verdict[], canvas: Canvas, room: number): string[] {
  const whole = allGateLines(verdicts, canvas);
  if (whole.length <= room) return whole;
  const named = (states: readonly Verdict['state'][], how: string) => {
    const gates = verdicts.filter(({ state }) => states.includes(state)).map(({ gate }) => gate);
    return gates.length === 0 ? [] : wrap(`${how}: ${gates.join(', ')}`, canvas.columns);
  };
  return [
    '',
    ...judgedLines(
      ORDER.slice(0, 2).flatMap((state) => verdicts.filter((verdict) => verdict.state === state)),
      canvas,
    ),
    ...paint(named(['open'], 'open'), 'good', canvas.style),
    ...paint(named(['not-applicable'], 'not judged'), 'dim', canvas.style),
  ];
}

function allGateLines(verdicts: readonly Verdict[], canvas: Canvas): string[] {
  const { columns, style } = canvas;
  const judged = ORDER.flatMap((state) => verdicts.filter((verdict) => verdict.state === state));
  const apart = verdicts.filter(({ state }) => state === 'not-applicable');
  const aside = [...Map.groupBy(apart, ({ sentence }) => sentence)].flatMap(([sentence, some]) =>
    wrap(`not judged: ${some.map(({ gate }) => gate).join(', ')} (${sentence})`, columns),
  );
  if (verdicts.length === 0) return [];
  return ['', ...judgedLines(judged, canvas), ...aside.map((line) => style.dim(line))];
}

function judgedLines(verdicts: readonly Verdict[], { columns, style }: Canvas): string[] {
  const width = Math.max(0, ...verdicts.map(({ gate }) => gate.length));
  const state = Math.max(0, ...verdicts.map((verdict) => verdict.state.length));
  const own = columns - width - state - 4;
  const narrow = own < 30;
  return verdicts.flatMap((verdict) => {
    const tone = style[GATE_TONES[verdict.state]];
    const head = `${verdict.gate.padEnd(width)}  ${tone(verdict.state.padEnd(state))}`;
    const texts = wrap(said(verdict.sentence), narrow ? columns - 2 : own);
    if (narrow) return [head, ...texts.map((text) => `  ${text}`)];
    const indent = ' '.repeat(width + state + 4);
    return texts.map((text, at) => (at === 0 ? `${head}  ${text}` : `${indent}${text}`));
  });
}

/** The newest first. */
function eventLines({ events }: RolloutProgress, canvas: Canvas, room: number): string[] {
  const { columns, style } = canvas;
  const lines = events.toReversed().map(({ atMs, sentence }) => {
    const [first = '', ...rest] = wrap(sentence, columns - 10);
    const time = style.dim(clock(atMs));
    return [`${time}  ${first}`, ...rest.map((text) => `          ${text}`)];
  });
  const shown: string[] = [];
  for (const some of lines) {
    if (shown.length + some.length > Math.min(room, EVENTS)) break;
    shown.push(...some);
  }
  return shown;
}

const EVENTS = 12;
/** Lines that are left to the events where gates have much to say, with the empty one above. */
const LEAST_EVENTS = 4;

const pieceOf = (text: string) => ({ text, width: text.length });

const paint = (lines: readonly string[], tone: keyof Style, style: Style): string[] =>
  lines.map((line) => style[tone](line));
