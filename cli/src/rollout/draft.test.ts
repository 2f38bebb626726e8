import type { RolloutDraft } from '@flotilla/fleet-server/progress';
import { expect, it } from 'vitest';
import { draftText } from './draft.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

const group = (wave: number, stratum: string, devices: number, precision = 'int8') => ({
  ...{ wave, stratum, devices, precision, target: 'raspberry-pi-5', state: 'pending' },
  ...{ ladder: precision === 'int8' ? ['int8', 'fp32'] : [], reason: 'the fastest that fits' },
});

const draft = (change: Partial<RolloutDraft> = {}): RolloutDraft =>
  ({
    ...{ id: '', dryRun: true, model: 'parts', version: 4, slot: 'parts', selector: 'all' },
    ...{ sizes: [10, 1000], startsMs: [NOW, NOW + 3 * HOUR], matched: 1002, furtherGroups: 0 },
    settings: { approval: 'each' },
    groups: [
      group(0, 'pi / lyon', 6),
      group(0, 'pi / paris', 4),
      group(1, 'pi / lyon', 594),
      group(1, 'pi / paris', 396, 'fp32'),
      { ...group(-1, '', 2, ''), state: 'unsuitable', reason: 'too little memory' },
      { ...group(-1, '', 8), state: 'unchanged', arm: 'control', reason: 'keeps its version' },
    ],
    devices: [],
    warnings: ['all matches every device of fleet main, all 1002 of them'],
    ...change,
  }) as unknown as RolloutDraft;

it('sums a large dry run up by wave and stratum, and tells variants with what is tried next', () => {
  const text = draftText(draft(), 100, NOW);
  expect(text).toMatch(/^devices +wave 1 +wave 2 +all$/m);
  expect(text).toMatch(/^pi \/ lyon +6 +594 +600$/m);
  expect(text).toMatch(/^pi \/ paris +4 +396 +400$/m);
  expect(text).toMatch(/^raspberry-pi-5 +int8, else fp32 +604 +the fastest that fits$/m);
  expect(text).toMatch(/^raspberry-pi-5 +fp32 +396 +the fastest that fits$/m);
  expect(text).toMatch(/^raspberry-pi-5 +unsuitable +2 +too little memory$/m);
  expect(text).toMatch(/^raspberry-pi-5 +arm A +8 +keeps its version$/m);
  expect(text).toContain('wave 1 reaches 10, begins at once, once it is approved');
  expect(text).toMatch(/\n\n! all matches every device of fleet main, all 1002 of them$/);
  expect(text).toMatch(/wave 2 reaches 1,000, begins in 3 h at the earliest \(.*\), once/);
  const quick = draftText(draft({ startsMs: [NOW, NOW + 50_000] }), 100, NOW);
  expect(quick).toContain('wave 2 reaches 1,000, begins in 50 s at the earliest, once');
});

it('lists the devices of a small one', () => {
  const device = {
    ...group(0, 'pi / lyon', 1),
    name: 'press 4',
    device: '01j0',
    arm: '' as const,
    digest: '',
  };
  const small = draft({ devices: [device], matched: 1, sizes: [1], startsMs: [0] });
  const text = draftText(small, 100, NOW);
  expect(text).toMatch(/^press 4 +pi \/ lyon +1 +int8, else fp32 +the fastest that fits$/m);
  expect(text).toContain('wave 1 reaches 1, whose windows do not open within two weeks');
});
