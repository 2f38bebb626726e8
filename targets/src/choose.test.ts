import { PRECISIONS, type Precision } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseVariant } from './choose.ts';
import type { DeviceFacts, VariantFacts } from './facts.ts';
import { TARGET_IDS } from './profile.ts';

const MIB = 2 ** 20;
const PI_5: DeviceFacts = { target: 'raspberry-pi-5', memoryBytes: 8192 * MIB, maxOpset: 21 };

function variant(precision: Precision, change: Partial<VariantFacts> = {}): VariantFacts {
  return {
    digest: `sha256:${precision}`,
    target: 'raspberry-pi-5',
    precision,
    opset: 17,
    memoryBytes: 100 * MIB,
    accuracy: 0.9,
    withinBudget: true,
    ...change,
  };
}

/** Chosen precision, its reason, and the reasons against the others. */
function tell(device: DeviceFacts, variants: readonly VariantFacts[]) {
  const { chosen, reason, rejected } = chooseVariant(device, variants);
  return [chosen?.precision, reason, ...rejected.map((entry) => entry.reason)];
}

describe('the choice of a variant', () => {
  it('follows what the target prefers where nothing was measured', () => {
    expect(tell(PI_5, [variant('fp32'), variant('int8')])).toEqual([
      'int8',
      'int8 for raspberry-pi-5 was chosen for this Raspberry Pi 5 (4 × Cortex-A76): it is the precision that this target prefers.',
      'fp32 for raspberry-pi-5 comes after int8 in what this target prefers.',
    ]);
  });

  it('follows the measurement where there is one', () => {
    const variants = [variant('int8', { latencyMs: 9.123 }), variant('fp32', { latencyMs: 7 })];
    expect(tell(PI_5, variants)).toEqual([
      'fp32',
      'fp32 for raspberry-pi-5 was chosen for this Raspberry Pi 5 (4 × Cortex-A76): it is the fastest that fits (7 ms measured).',
      'int8 for raspberry-pi-5 is slower: 9.12 ms measured against 7 ms measured of fp32.',
    ]);
  });

  it('does not compare an estimate with a measurement', () => {
    const variants = [
      variant('int8', { latencyMs: 9 }),
      variant('fp32', { latencyMs: 7, estimated: true }),
    ];
    expect(tell(PI_5, variants).slice(0, 2)).toEqual([
      'int8',
      expect.stringMatching(/prefers, 9 ms measured\.$/),
    ]);
    const estimates = variants.map((one) => ({ ...one, estimated: true }));
    expect(tell(PI_5, estimates)[0]).toBe('fp32');
  });

  it('follows what lab devices measured before all else, and says so', () => {
    const lab = (latencyMs: number, devices = 2) => ({ devices, latencyMs, failed: 0, code: '' });
    const variants = [
      variant('int8', { latencyMs: 2, lab: lab(18.94) }),
      variant('fp16', { lab: lab(12.345, 1) }),
      variant('fp32', { latencyMs: 1 }),
    ];
    expect(tell(PI_5, variants)).toEqual([
      'fp16',
      'fp16 for raspberry-pi-5 was chosen for this Raspberry Pi 5 (4 × Cortex-A76): it is the fastest within the accuracy budget (12.3 ms on 1 lab device, int8 18.9 ms on 2 lab devices).',
      'int8 for raspberry-pi-5 is slower: 18.9 ms on 2 lab devices against 12.3 ms on 1 lab device of fp16.',
      'fp32 for raspberry-pi-5 was measured by no lab device, unlike fp16.',
    ]);
  });

  it('leaves out what failed on half of the lab devices or more', () => {
    const lab = (devices: number, failed: number) => ({
      ...{ devices, failed, latencyMs: 5, code: 'deployment.self-test-failed' },
    });
    const half = [variant('int8', { lab: lab(1, 1) }), variant('fp32')];
    expect(tell(PI_5, half).slice(0, 3)).toEqual([
      'fp32',
      'fp32 for raspberry-pi-5 was chosen for this Raspberry Pi 5 (4 × Cortex-A76): it is the only variant that fits.',
      'int8 for raspberry-pi-5 failed on 1 of 2 lab devices (deployment.self-test-failed).',
    ]);
    expect(tell(PI_5, [variant('int8', { lab: lab(2, 1) }), variant('fp32')])[0]).toBe('int8');
  });

  it('falls back to wider precisions, then to narrower ones, and not to what does not fit', () => {
    const ladder = (...variants: VariantFacts[]) =>
      chooseVariant(PI_5, variants).ladder.map(({ precision }) => precision);
    const all = (['fp32', 'int8', 'fp16', 'int8-dynamic'] as const).map((one) => variant(one));
    expect(ladder(...all)).toEqual(['int8', 'int8-dynamic', 'fp16', 'fp32']);
    const fp16 = variant('fp16', { lab: { devices: 1, latencyMs: 1, failed: 0, code: '' } });
    expect(ladder(variant('int8'), fp16, variant('fp32'))).toEqual(['fp16', 'fp32', 'int8']);
    expect(ladder(variant('int8'), variant('fp16', { opset: 30 }))).toEqual(['int8']);
    expect(ladder(variant('fp32', { withinBudget: false }))).toEqual([]);
  });

  it('says that a lone variant is the only one', () => {
    expect(tell(PI_5, [variant('fp16')])).toEqual([
      'fp16',
      'fp16 for raspberry-pi-5 was chosen for this Raspberry Pi 5 (4 × Cortex-A76): it is the only variant that fits.',
    ]);
  });

  it('says why nothing fits', () => {
    const misfits = [
      variant('int8', { target: 'jetson-orin' }),
      variant('int8', { target: 'toaster' }),
      variant('int8', { opset: 22 }),
      variant('int8', { memoryBytes: 4097 * MIB }),
      variant('int8', { withinBudget: false }),
    ];
    expect(tell(PI_5, misfits)).toEqual([
      undefined,
      'None of the 5 variants fits this Raspberry Pi 5 (4 × Cortex-A76).',
      'int8 for jetson-orin is made for Jetson Orin (Ampere, JetPack 6), not for this device.',
      'int8 for toaster is of a target that is not known here.',
      'int8 for raspberry-pi-5 needs opset 22, and the runtime ends at 21.',
      'int8 for raspberry-pi-5 needs 4097 MiB of memory, and a model may take 4096 MiB of 8192 MiB here.',
      'int8 for raspberry-pi-5 loses more accuracy than the model allows.',
    ]);
    const nano = { target: 'jetson-nano', memoryBytes: 0, maxOpset: 0 };
    expect(tell(nano, [variant('int8', { target: 'jetson-nano', opset: 13 })])[2]).toBe(
      'int8 for jetson-nano is in int8, which Jetson Nano (Maxwell, JetPack 4) does not run.',
    );
    expect(tell(PI_5, [])).toEqual([undefined, 'There are no variants to choose from.']);
    expect(tell(PI_5, misfits.slice(0, 2))[1]).toBe(
      'No raspberry-pi-5 variant was built, and this Raspberry Pi 5 (4 × Cortex-A76) runs no other: push a version that is built for raspberry-pi-5 too.',
    );
  });

  it('takes opset and memory of the class where the device reports none', () => {
    const nano = { target: 'jetson-nano', memoryBytes: 0, maxOpset: 0 };
    const fp16 = variant('fp16', { target: 'jetson-nano', opset: 14 });
    expect(tell(nano, [fp16])[2]).toMatch(/needs opset 14, and the runtime ends at 13/);
    expect(tell({ ...nano, maxOpset: 15 }, [fp16])[0]).toBe('fp16');
    const runtimes = [{ name: 'onnxruntime', maxOpset: 15 }];
    expect(tell({ ...nano, runtimes }, [fp16])[0]).toBe('fp16');
    const large = variant('fp16', { target: 'jetson-nano', opset: 13, memoryBytes: 2049 * MIB });
    expect(tell(nano, [large])[2]).toMatch(/2048 MiB of 4096 MiB/);
  });
});

describe('a device of unknown target', () => {
  const unknown = { target: '', arch: 'x86_64', memoryBytes: 0, maxOpset: 0 };
  const x86 = variant('int8', { target: 'x86-64' });
  const pi4 = variant('int8', { target: 'raspberry-pi-4' });

  it('gets what runs on every device of its architecture', () => {
    expect(chooseVariant(unknown, [x86, pi4, variant('int8')])).toEqual({
      chosen: x86,
      ladder: [x86],
      reason:
        'int8 for x86-64 was chosen for this device of unknown target (x86_64): it is the only variant that fits.',
      rejected: [
        {
          variant: pi4,
          reason: 'int8 for raspberry-pi-4 needs arm64, and this device is x64.',
        },
        {
          variant: variant('int8'),
          reason:
            "int8 for raspberry-pi-5 is made for Raspberry Pi 5 (4 × Cortex-A76) alone, and this device's target is not known.",
        },
      ],
    });
    expect(chooseVariant({ ...unknown, arch: 'aarch64' }, [x86, pi4]).chosen).toBe(pi4);
    expect(chooseVariant({ ...unknown, arch: 'riscv64' }, [x86, pi4]).chosen).toBeUndefined();
    expect(chooseVariant({ ...unknown, arch: '' }, [x86]).chosen).toBeUndefined();
  });
});

describe('an x86 processor without VNNI', () => {
  const variants = [variant('int8', { target: 'x86-64' }), variant('fp32', { target: 'x86-64' })];
  const device = { target: 'x86-64', memoryBytes: 0, maxOpset: 0 };

  it('gets floating point where there is a choice', () => {
    expect(tell({ ...device, cpuFeatures: ['avx2'] }, variants)).toEqual([
      'fp32',
      'fp32 for x86-64 was chosen for this x86-64 processor: it is the precision that this target prefers.',
      'int8 for x86-64 may saturate: this processor has no VNNI instructions.',
    ]);
    expect(tell({ ...device, cpuFeatures: ['avx2'] }, variants.slice(0, 1))[0]).toBe('int8');
    expect(tell({ ...device, cpuFeatures: ['avx2', 'avx512_vnni'] }, variants)[0]).toBe('int8');
    expect(tell(device, variants)[0]).toBe('int8');
  });
});

const anyVariant = fc.record(
  {
    digest: fc.integer({ min: 0, max: 1e9 }).map((n) => `sha256:${n}`),
    target: fc.constantFrom('raspberry-pi-5', 'x86-64', 'jetson-orin', 'toaster'),
    precision: fc.constantFrom(...PRECISIONS),
    opset: fc.integer({ min: 13, max: 24 }),
    memoryBytes: fc.integer({ min: 1, max: 5000 * MIB }),
    accuracy: fc.double({ min: 0, max: 1, noNaN: true }),
    withinBudget: fc.boolean(),
    latencyMs: fc.double({ min: 0.01, max: 100, noNaN: true }),
    estimated: fc.boolean(),
    lab: fc.record({
      devices: fc.integer({ min: 0, max: 3 }),
      latencyMs: fc.double({ min: 0.01, max: 100, noNaN: true }),
      failed: fc.integer({ min: 0, max: 3 }),
      code: fc.constant('deployment.too-slow'),
    }),
  },
  {
    requiredKeys: [
      'digest',
      'target',
      'precision',
      'opset',
      'memoryBytes',
      'accuracy',
      'withinBudget',
    ],
  },
);
const anyVariants = fc.uniqueArray(anyVariant, { selector: (one) => one.digest, maxLength: 8 });
const anyDevice = fc.record({
  target: fc.constantFrom<string>(...TARGET_IDS, ''),
  arch: fc.constantFrom('x64', 'arm64', ''),
  memoryBytes: fc.integer({ min: 0, max: 8192 * MIB }),
  maxOpset: fc.integer({ min: 0, max: 23 }),
});

describe('any choice', () => {
  it('accounts for every variant in one sentence each', () => {
    fc.assert(
      fc.property(anyDevice, anyVariants, (device, variants) => {
        const { chosen, reason, rejected } = chooseVariant(device, variants);
        const all = [...rejected.map((entry) => entry.variant), ...(chosen ? [chosen] : [])];
        expect(new Set(all)).toEqual(new Set(variants));
        expect(all).toHaveLength(variants.length);
        for (const text of [reason, ...rejected.map((entry) => entry.reason)]) {
          expect(text).toMatch(/^\S[^\n]*\.$/);
          expect(text).not.toMatch(/undefined|NaN|Infinity/);
        }
      }),
    );
  });

  it('fits the device and keeps the budget, whatever the order of the variants', () => {
    fc.assert(
      fc.property(anyDevice, anyVariants, (device, variants) => {
        const { chosen, ladder, rejected } = chooseVariant(device, variants);
        expect(chooseVariant(device, variants.toReversed()).ladder).toEqual(ladder);
        expect(ladder[0]).toBe(chosen);
        expect(new Set(ladder).size).toBe(ladder.length);
        expect(ladder.length).toBeLessThanOrEqual(rejected.length + 1);
        if (chosen === undefined) return;
        expect(chosen.withinBudget).toBe(true);
        if (device.target !== '') expect(chosen.target).toBe(device.target);
        if (device.maxOpset > 0) expect(chosen.opset).toBeLessThanOrEqual(device.maxOpset);
      }),
    );
  });
});
