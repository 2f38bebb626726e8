import type { RolloutProgress } from '@flotilla/fleet-server/progress';
import { expect, it } from 'vitest';
import { COLORED, PLAIN } from '../ui/style.ts';
import { clean } from './clean.ts';
import { type Told, tellChanges } from './plain.ts';
import { PAGE, progressLines } from './progress-view.ts';

const NOW = 1_800_000_000_000;
const ID = '01m7xy2hxsnss48p1c7zwvw5qy';

const progress = (change: Partial<RolloutProgress> = {}): RolloutProgress => ({
  ...{ id: ID, model: 'parts', version: 4, selector: 'site=lyon', state: 'running' },
  ...{ kind: 'update', parent: '' },
  ...{ haltedBy: '', sentence: '', wave: 1, createdBy: 'token:x', createdMs: NOW - 125_000 },
  ...{ endedMs: 0, approvedWaves: 0, needsApproval: false, perMinute: 0 },
  waves: [
    { index: 0, state: 'passed', size: 10, reaches: 10, counts: { committed: 10 } },
    {
      ...{ index: 1, state: 'open', size: 990, reaches: 1000 },
      counts: { committed: 700, 'in-progress': 50, failed: 1, pending: 239 },
    },
    { index: 2, state: 'waiting', size: 9000, reaches: 10_000, counts: { pending: 9000 } },
  ],
  strata: [
    { stratum: 'raspberry-pi-5 / lyon', size: 6000, counts: { committed: 500, failed: 1 } },
    { stratum: 'jetson-orin / lyon', size: 4000, counts: { committed: 210 } },
  ],
  furtherStrata: 0,
  apart: { unsuitable: 3, unchanged: 0, control: 80 },
  ...{ asked: 761, inFlight: 50, away: 2, takenLastMinute: 400 },
  ...{ firstFailureMs: NOW - 60_000, haltedMs: 0, nowMs: NOW },
  waitsFor: { what: 'devices', sentence: 'wave 2 of 3: 50 devices at work', untilMs: 0 },
  verdicts: [
    {
      ...{ wave: 1, gate: 'activations', title: 'Failed activations', state: 'open' },
      ...{ sentence: '1 of 761 devices failed to activate: open', numbers: {}, judgedMs: NOW },
    },
  ],
  events: [
    { id: '1', atMs: NOW - 125_000, kind: 'created', sentence: 'made by token:x' },
    { id: '2', atMs: NOW - 60_000, kind: 'wave', sentence: 'wave 2 of 3 opened' },
  ],
  ...change,
});

it('draws waves as bars in which one failure among hundreds is seen', () => {
  const lines = progressLines(progress(), PAGE);
  const text = lines.join('\n');
  expect(lines[0]).toBe('parts@4 → 10,000 devices where site=lyon');
  expect(lines[1]).toContain('running, 2 min 5 s');
  expect(text).toMatch(/^wave 2 {3}█+▓+░+✕ +990 {2}open$/m);
  expect(text).toMatch(/^wave 3 {3}░{60} 9,000 {2}waits$/m);
  expect(text).toContain('█ committed 710');
  expect(text).toContain('80 keep their version (arm A), 3 suit no variant');
  expect(text).toContain(
    'raspberry-pi-5 / lyon 500/6,000, 1 failed · jetson-orin / lyon 210/4,000',
  );
  expect(text).toMatch(/^activations {2}open {2}1 of 761 devices failed to activate$/m);
  expect(lines.findIndex((line) => line.includes('wave 2 of 3 opened'))).toBeLessThan(
    lines.findIndex((line) => line.includes('made by')),
  );
});

it('says how an approver lets it go on, and what the rate allows', () => {
  const sentence = 'an approver to let wave 2 of 3 open';
  const waitsFor = { what: 'approval', sentence, untilMs: 0 } as const;
  const text = progressLines(progress({ waitsFor, perMinute: 600 }), PAGE).join('\n');
  expect(text).toContain(`waits for: ${sentence}: flotilla rollout approve ${ID}`);
  expect(text).toContain('at most 600 asked per minute');
});

it('says how long it took from the first failure to the halt', () => {
  const halted = progress({ state: 'halted', haltedMs: NOW - 46_000, sentence: 'too many failed' });
  const text = progressLines(halted, PAGE).join('\n');
  expect(text).toContain('halted 14 s after the first failure');
  expect(text).toContain('too many failed');
});

it.each([
  [40, 20],
  [80, 24],
  [200, 60],
])('fits a terminal of %i columns and %i rows', (columns, rows) => {
  const events = Array.from({ length: 90 }, (_, i) => ({
    ...{
      id: `${i}`,
      atMs: NOW,
      kind: 'retry',
      sentence: `attempt 2 on a device of long name ${i}`,
    },
  }));
  const lines = progressLines(progress({ events }), { columns, rows, style: PLAIN });
  if (rows > 20) expect(lines.length).toBeLessThan(rows);
  for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(columns);
});

it('names the gates that are open in a line where there is little room, and what is wrong first', () => {
  const gates = [
    'activations',
    'crashes',
    'errors',
    'drift',
    'latency',
    'memory',
    'accuracy',
  ] as const;
  const verdicts = gates.map((gate) => ({
    ...{ wave: 1, gate, title: gate, numbers: {}, judgedMs: NOW },
    state: gate === 'latency' ? ('closed' as const) : ('open' as const),
    sentence: `what ${gate} saw, with its figures and what is tolerated of them, in a long sentence`,
  }));
  const small = { columns: 80, rows: 24, style: PLAIN };
  const lines = progressLines(progress({ verdicts }), small);
  expect(lines).toContain('open: activations, crashes, errors, drift, memory, accuracy');
  expect(lines.find((line) => line.includes('saw'))).toMatch(/^latency {2}closed/);
  expect(lines.join('\n')).toContain('wave 2 of 3 opened');
  const page = progressLines(progress({ verdicts }), PAGE).filter((line) => line.includes(' saw'));
  expect(page).toHaveLength(gates.length);
  expect(page[0]).toMatch(/^latency/);
});

it('sets apart by color what a terminal can, without changing a letter', () => {
  const canvas = { columns: 100, rows: 40 };
  const colored = progressLines(progress(), { ...canvas, style: COLORED }).join('\n');
  const plain = progressLines(progress(), { ...canvas, style: PLAIN }).join('\n');
  expect(colored).not.toBe(plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
});

it('lets no name command the terminal', () => {
  const sentence = 'on \u001b[2Jdevice\nforged line';
  const event = { id: '1', atMs: NOW, kind: 'retry', sentence };
  const text = progressLines(clean(progress({ events: [event] })), PAGE).join('\n');
  expect(text).not.toContain('\u001b');
  expect(text).toContain('device forged line');
});

it('tells each change once, a line each', () => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line.replace(/^\S+ {2}/, ''));
  let told: Told | undefined = tellChanges(progress(), undefined, say);
  expect(said).toEqual([
    'made by token:x',
    'wave 2 of 3 opened',
    'Failed activations is open: 1 of 761 devices failed to activate',
  ]);
  told = tellChanges(progress(), told, say);
  expect(said).toHaveLength(3);
  const verdicts = progress().verdicts.map((it) => ({ ...it, state: 'closed' as const }));
  told = tellChanges(progress({ verdicts }), told, say);
  const soaks = { what: 'soak', sentence: 'wave 2 of 3 soaks', untilMs: NOW } as const;
  tellChanges(progress({ verdicts, waitsFor: soaks }), told, say);
  expect(said.slice(3)).toEqual([
    'Failed activations is closed: 1 of 761 devices failed to activate',
    'waits for: wave 2 of 3 soaks',
  ]);
});
