import { benjaminiHochberg, type ReferenceProfile } from '@flotilla/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Counts,
  DEFAULT_DRIFT,
  type DriftSettings,
  type Judged,
  judgeDevice,
  judgeFleet,
  rejectionLevel,
  type ScopeState,
  type TestedDevice,
  testDevice,
} from './judge.ts';

const BINS = 20;
/** Inner edges at the 5 % quantiles of N(0,1). */
const EDGES = [
  -1.6449, -1.2816, -1.0364, -0.8416, -0.6745, -0.5244, -0.3853, -0.2533, -0.1257, 0, 0.1257,
  0.2533, 0.3853, 0.5244, 0.6745, 0.8416, 1.0364, 1.2816, 1.6449,
];
const FEATURES = 20;

const profile: ReferenceProfile = {
  schema: 1,
  samples: 20_000,
  features: Array.from({ length: FEATURES }, (_, i) => ({
    name: `f${i}`,
    edges: EDGES,
    counts: new Array<number>(BINS).fill(1000),
    mean: 0,
    std: 1,
  })),
  classCounts: [],
  confidence: { bins: [], mean: 0, std: 0 },
};

/** mulberry32 and Box–Muller: the same sample in every run. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function sample(next: () => number, n: number, shift: number): number[] {
  const counts = new Array<number>(BINS).fill(0);
  for (let i = 0; i < n; i++) {
    const value = next() + shift;
    const bin = EDGES.findIndex((edge) => value < edge);
    counts[bin < 0 ? BINS - 1 : bin]! += 1;
  }
  return counts;
}

const fresh: ScopeState = { features: {} };

/** All devices of one window, as `detectDrift` takes them through the three steps. */
function judgeDevices(
  reference: ReferenceProfile,
  devices: ReadonlyMap<string, { readonly state: ScopeState; readonly counts: Counts }>,
  settings: DriftSettings,
): Map<string, Judged> {
  const tested = [...devices].map(([device, rest]) =>
    testDevice(reference, { device, ...rest }, settings),
  );
  const level = rejectionLevel(tested, settings.falseShare);
  return new Map(tested.map((one) => [one.device, judgeDevice(reference, one, level, settings)]));
}

describe('drift on devices', () => {
  it('finds the devices that drifted among many, with few false alarms', {
    timeout: 60_000,
  }, () => {
    const [devices, drifted, n] = [500, 10, 200];
    const next = normals(11);
    let states = new Map<string, ScopeState>();
    const alarms = new Set<string>();
    for (let window = 0; window < 3; window++) {
      const judged = judgeDevices(
        profile,
        new Map(
          Array.from({ length: devices }, (_, i) => {
            const counts = new Map(
              profile.features.map(({ name }) => [name, sample(next, n, i < drifted ? 0.5 : 0)]),
            );
            const device = `d${i}`;
            return [device, { state: states.get(device) ?? fresh, counts }];
          }),
        ),
        DEFAULT_DRIFT,
      );
      states = new Map([...judged].map(([device, { features }]) => [device, { features }]));
      for (const [device, { verdicts }] of judged) {
        if (verdicts.some((verdict) => verdict.drifted)) alarms.add(device);
      }
    }
    const right = [...alarms].filter((device) => Number(device.slice(1)) < drifted).length;
    expect(right).toBe(drifted);
    expect(alarms.size - right).toBeLessThanOrEqual(1);
  });

  it('gathers windows that are too small until they say something', () => {
    const next = normals(3);
    let state = fresh;
    const tests: number[] = [];
    for (let window = 0; window < 5; window++) {
      const counts = new Map([['f0', sample(next, 20, 2)]]);
      const judged = judgeDevices(profile, new Map([['d', { state, counts }]]), DEFAULT_DRIFT);
      const { features, verdicts } = judged.get('d')!;
      tests.push(...verdicts.map(({ samples }) => samples));
      state = { features };
    }
    expect(tests).toEqual([60]);
    expect(state.features.f0?.pending.reduce((a, b) => a + b, 0)).toBe(40);
  });

  it('needs two of three windows to call drift, and three clean ones to settle', () => {
    const next = normals(5);
    const shifts = [1, 0, 1, 0, 0, 0];
    let state = fresh;
    const said = shifts.map((shift) => {
      const counts = new Map([['f0', sample(next, 400, shift)]]);
      const judged = judgeDevices(profile, new Map([['d', { state, counts }]]), DEFAULT_DRIFT);
      const { features, verdicts } = judged.get('d')!;
      state = { features };
      return [verdicts[0]?.drifted, verdicts[0]?.settled];
    });
    expect(said).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
  });

  it('does not take features that the profile lacks or that have other bins', () => {
    const counts = new Map([
      ['unknown', [500]],
      ['f0', [500, 1]],
    ]);
    const judged = judgeDevices(profile, new Map([['d', { state: fresh, counts }]]), DEFAULT_DRIFT);
    expect(judged.get('d')?.verdicts).toEqual([]);
  });
});

describe('the level of rejection', () => {
  it('rejects what Benjamini and Hochberg reject', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (ps) => {
        const tests = ps.map((p) => ({ feature: 'f', statistic: 1, p, observed: [], samples: 1 }));
        const device: TestedDevice = {
          device: 'd',
          state: fresh,
          tested: { tests, pending: new Map() },
        };
        const level = rejectionLevel([device], 0.05);
        expect(ps.map((p) => p <= level)).toEqual(benjaminiHochberg(ps, 0.05));
      }),
    );
  });
});

describe('drift over the fleet', () => {
  it('sees a shift that no device shows by itself', () => {
    const next = normals(9);
    const settings = { ...DEFAULT_DRIFT, minEffect: 0.02 };
    const device = () => sample(next, 60, 0.2);
    const rows = Array.from({ length: 200 }, device);
    const alone = judgeDevices(
      profile,
      new Map(rows.map((row, i) => [`d${i}`, { state: fresh, counts: new Map([['f0', row]]) }])),
      settings,
    );
    const exceeding = [...alone.values()].filter(({ verdicts }) => verdicts[0]?.exceeded).length;
    expect(exceeding).toBeLessThan(20);
    const merged = rows.reduce((a, b) => a.map((count, i) => count + (b[i] ?? 0)));
    const judged = judgeFleet(profile, fresh, new Map([['f0', merged]]), settings);
    expect(judged.verdicts[0]).toMatchObject({ exceeded: true, samples: 12_000 });
  });

  it('does not call a certain but tiny shift drift', () => {
    const counts = new Map([['f0', sample(normals(1), 100_000, 0.15)]]);
    const [verdict] = judgeFleet(profile, fresh, counts, DEFAULT_DRIFT).verdicts;
    expect(verdict?.p).toBeLessThan(1e-6);
    expect(verdict?.exceeded).toBe(false);
  });
});
