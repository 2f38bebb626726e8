import { expect, it } from 'vitest';
import type { Counts } from './counts.ts';
import { viewOf } from './view.ts';

const counts: Counts = {
  devices: 1200,
  online: 1190,
  runs: { 'parts@3': 1100, 'parts@4': 90 },
  underWay: { watch: 12 },
  ended: { 'parts@4 committed': 78, 'parts@4 failed, deployment.self-test-failed': 25 },
  pending: 7,
  crashes: 0,
  messages: { up: 3000, down: 1500 },
};

it('says what the devices run, how far they are, and how attempts ended', () => {
  const before = { ...counts, messages: { up: 2000, down: 1400 } };
  const lines = viewOf(counts, before, 0.5, 83);
  expect(lines[0]).toMatch(/1,190 of 1,200 devices online {2}1:23$/);
  expect(lines.slice(1)).toEqual([
    'runs       parts@3: 1,100 · parts@4: 90',
    'under way  watch: 12',
    'ended      78 × parts@4 committed',
    '           25 × parts@4 failed, deployment.self-test-failed',
    'messages   2,000/s up, 200/s down, 7 not acknowledged',
  ]);
});

it('has lines for a fleet that does nothing yet', () => {
  const idle = { ...counts, devices: 0, online: 0, runs: {}, underWay: {}, ended: {}, crashes: 3 };
  expect(viewOf(idle, idle, 1, 0).slice(1)).toEqual([
    'runs       nothing',
    'under way  nothing',
    'ended      nothing',
    'messages   0/s up, 0/s down, 7 not acknowledged, 3 crashes',
  ]);
});
