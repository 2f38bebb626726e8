import { PRECISIONS } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { COST_KINDS, TARGET_IDS } from './profile.ts';
import { isTargetId, TARGETS, targetById } from './targets.ts';

const GIB = 2 ** 30;

describe.each(TARGET_IDS)('the profile of %s', (id) => {
  const profile = TARGETS[id];

  it('is filed under its own id', () => {
    expect(profile.id).toBe(id);
    expect(profile.name).toMatch(/^[^\n]{5,60}$/);
  });

  it('runs on a device that exists', () => {
    expect(profile.memoryBytes).toBeGreaterThanOrEqual(0.5 * GIB);
    expect(profile.memoryBytes).toBeLessThanOrEqual(64 * GIB);
    expect(profile.maxOpset).toBeGreaterThanOrEqual(13);
    expect(profile.maxOpset).toBeLessThanOrEqual(21);
    expect(profile.macsPerSecond).toBeGreaterThan(1e8);
    expect(profile.runtimes.length).toBeGreaterThan(0);
    expect(profile.providers.length).toBeGreaterThan(0);
  });

  it('orders precisions without repeating one, and always runs fp32', () => {
    expect(new Set(profile.precisions).size).toBe(profile.precisions.length);
    expect(profile.precisions).toContain('fp32');
    expect(profile.precisions.every((precision) => PRECISIONS.includes(precision))).toBe(true);
  });

  it('knows what every precision costs that it runs, and no other', () => {
    const costed = Object.keys(profile.cost);
    const wanted = profile.precisions.filter((one) => one !== 'fp32' && one !== 'mixed');
    expect(costed.toSorted()).toEqual(wanted.toSorted());
    for (const byKind of Object.values(profile.cost)) {
      expect(Object.keys(byKind).toSorted()).toEqual([...COST_KINDS].toSorted());
      for (const cost of Object.values(byKind)) expect(cost).toBeGreaterThan(0.05);
    }
  });

  it('makes int8 only where it runs', () => {
    expect(profile.precisions.includes('int8')).toBe(profile.int8 !== 'never');
    expect(profile.int8 === 'by-op-mix').toBe(
      profile.cost.int8 !== undefined && !profile.qdq.depthwise,
    );
  });

  it('gives every activation a zero point that its kernels take', () => {
    const { activation, symmetricActivations, perChannel } = profile.qdq;
    expect(perChannel).toBe(true);
    if (symmetricActivations) expect(activation).toBe('int8');
  });

  it('names the public documents that its values come from', () => {
    expect(profile.sources.length).toBeGreaterThan(0);
    for (const source of profile.sources) expect(source).toMatch(/^.{5,}, https:\/\/[^ ]+$/);
    expect(new Set(profile.sources).size).toBe(profile.sources.length);
    for (const note of profile.notes) expect(note).toMatch(/^[^\n]+\.$/);
  });
});

describe('the targets together', () => {
  it('have at most one class that stands for each architecture', () => {
    const generic = Object.values(TARGETS).filter((profile) => profile.genericForArch);
    expect(generic.map((profile) => [profile.arch, profile.id])).toEqual([
      ['arm64', 'raspberry-pi-4'],
      ['x64', 'x86-64'],
      ['wasm32', 'browser-wasm'],
    ]);
  });

  it('hold the limits that were measured or read', () => {
    const opsets = TARGET_IDS.map((id) => [id, TARGETS[id].maxOpset]);
    expect(Object.fromEntries(opsets)).toMatchObject({
      'x86-64': 21,
      'raspberry-pi-5': 21,
      'jetson-nano': 13,
      'jetson-xavier': 17,
      'jetson-orin': 19,
      'browser-wasm': 21,
    });
    expect(TARGETS['raspberry-pi-3'].memoryBytes).toBe(GIB);
    expect(TARGETS['jetson-nano'].memoryBytes).toBe(4 * GIB);
    expect(TARGETS['jetson-nano'].precisions).toEqual(['fp16', 'fp32']);
    expect(TARGETS['browser-wasm'].precisions[0]).toBe('fp32');
    expect(TARGETS['browser-webgpu'].precisions).toEqual(['fp16', 'int4', 'fp32']);
    expect(TARGETS['jetson-orin'].qdq).toMatchObject({
      activation: 'int8',
      symmetricActivations: true,
      quantizeBias: false,
      quantizeOutputs: false,
      residualAddInputs: true,
    });
    expect(TARGETS.tflite.qdq).toMatchObject({ activation: 'int8', symmetricActivations: false });
  });

  it('are found by id, and an unknown one is answered with those that exist', () => {
    expect(targetById('jetson-orin')).toBe(TARGETS['jetson-orin']);
    expect(() => targetById('jetson-orion')).toThrow(
      /^target "jetson-orion" is not known: use one of raspberry-pi-3, .*, tflite$/,
    );
    for (const id of ['', 'constructor', '__proto__', 'toString']) {
      expect(isTargetId(id)).toBe(false);
      expect(() => targetById(id)).toThrow(/is not known/);
    }
  });
});
