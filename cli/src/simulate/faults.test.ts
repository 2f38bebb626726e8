import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FaultRule, faultsOf, faultsOfDevice, parseFaults } from './faults.ts';

const refusal = (text: string): string => {
  try {
    parseFaults(text);
  } catch (error) {
    if (isFlotillaError(error, 'simulate.faults')) return error.message;
    throw error;
  }
  throw new Error(`${text} was taken`);
};

describe('faults as text', () => {
  it('name versions, shares and amounts', () => {
    const [first, second] = parseFaults(
      'parts@4: fail=30%, slow=1.3@10%, offline=5%:120; flap=0.5:20',
    );
    expect(first).toMatchObject({ model: 'parts', version: 4 });
    expect(first?.faults).toMatchObject([
      { kind: 'fail', share: 0.3, step: 'selfTest', code: 'deployment.self-test-failed' },
      { kind: 'slow', share: 0.1, amount: 1.3 },
      { kind: 'offline', share: 0.05, seconds: 120 },
    ]);
    expect(second).toMatchObject({ model: '', version: 0 });
    expect(second?.faults).toMatchObject([{ kind: 'flap', share: 0.5, seconds: 20 }]);
  });

  it('take a step and a code', () => {
    const [rule] = parseFaults('parts: fail=1:watch:deployment.memory, stuck=10%:activate');
    expect(rule).toMatchObject({ model: 'parts', version: 0 });
    expect(rule?.faults).toMatchObject([
      { step: 'watch', code: 'deployment.memory' },
      { step: 'activate', share: 0.1 },
    ]);
    expect(parseFaults('fail=1:download')[0]?.faults[0]?.code).toBe('download.failed');
  });

  it('are the same from YAML', () => {
    expect(faultsOf({ 'parts@4': { fail: '30%', slow: '1.3@10%' }, all: { lie: 0.1 } })).toEqual(
      parseFaults('parts@4: fail=30%, slow=1.3@10%; lie=0.1'),
    );
  });

  it.each([
    ['explode=1', /"explode=1": there is no such fault; there are fail, /],
    ['fail=130%', /"fail=130%": give a share such as 30% or 0\.3/],
    ['fail=', /give a share/],
    ['fail=30%=x', /"fail=30%=x": give a share/],
    ['slow=1.3@10%@x', /"slow=1\.3@10%@x": give a share/],
    ['offline=5%:0x10', /0x10 is no number of seconds/],
    ['slow=0x2', /the amount is no number/],
    ['fail=1:watch:', /fail=1:watch:": there is nothing after the colon/],
    ['fail=1:dance', /dance is no step/],
    ['slow=fast', /the amount is no number/],
    ['unsure=1.3@10%', /"unsure=1.3@10%": give a share such as 30% or 0.3/],
    ['wrong=1.3@10%', /give a share such as 30% or 0.3/],
    ['errors=2', /give a share such as 30% or 0.3/],
    ['flap=1:never', /never is no number of seconds/],
    ['silent=1:watch', /too much after a colon/],
    ['parts@x: fail=1', /"parts@x": the version is no number/],
  ])('%s is refused, and the text says why', (text, why) => {
    expect(refusal(text)).toMatch(why);
  });

  it('refuse a version with more behind it from YAML, too', () => {
    expect(() => faultsOf({ 'parts@4@5': { fail: 1 } })).toThrow(/"parts@4@5": the version is no/);
  });

  it('never end in anything but rules or a refusal', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseFaults(text);
        } catch (error) {
          expect(isFlotillaError(error, 'simulate.faults')).toBe(true);
        }
      }),
    );
  });
});

describe('the faults of a device', () => {
  const ill = (rules: readonly FaultRule[], seed: number, version = 4) =>
    Array.from({ length: 1000 }, (_, i) => i).filter(
      (i) => faultsOfDevice(rules, seed, i)('fail', 'parts', version) !== undefined,
    );

  it('follow from the seed, and hit about the share', () => {
    const rules = parseFaults('parts@4: fail=30%');
    const hit = ill(rules, 7);
    expect(ill(rules, 7)).toEqual(hit);
    expect(ill(rules, 8)).not.toEqual(hit);
    expect(hit.length).toBeGreaterThan(240);
    expect(hit.length).toBeLessThan(360);
    expect(ill(rules, 7, 3)).toEqual([]);
  });

  it('are others for another version', () => {
    const rules = parseFaults('parts@4: fail=30%; parts@5: fail=30%');
    expect(ill(rules, 7, 5)).not.toEqual(ill(rules, 7, 4));
  });
});
