import { describe, expect, it } from 'vitest';
import type { GateName, Verdict, VerdictState } from '../gates/types.ts';
import { type Comparing, decide } from './decide.ts';

const verdict = (gate: GateName, state: VerdictState): Verdict => ({
  ...{ gate, state, sentence: '', numbers: {} },
});
const kinds = (change: Partial<Comparing>, verdicts: readonly Verdict[], now = 0) =>
  decide(
    { kind: 'shadow', promote: 'gate', maxHours: 2, untilMs: 1000, ...change },
    verdicts,
    now,
  ).map((action) => action.kind);

describe('what a rollout that compares does once all its devices were asked', () => {
  it('waits for a person, or for its gates', () => {
    const open = [verdict('disagreement', 'open')];
    expect(kinds({ promote: 'command' }, open)).toEqual([]);
    expect(kinds({}, open)).toEqual(['promote']);
    expect(kinds({}, [verdict('disagreement', 'waiting')])).toEqual([]);
    expect(kinds({}, [...open, verdict('accuracy', 'waiting')])).toEqual(['promote']);
    const suspicious = { ...verdict('latency', 'waiting'), numbers: { odds: 3 } };
    expect(kinds({}, [...open, suspicious])).toEqual([]);
    expect(kinds({}, [verdict('errors', 'open')])).toEqual([]);
    expect(kinds({}, [])).toEqual([]);
  });

  it('promotes an A/B rollout only on comparisons that are all judged', () => {
    const open = [verdict('latency', 'open')];
    expect(kinds({ kind: 'ab' }, open)).toEqual(['promote']);
    expect(kinds({ kind: 'ab' }, [...open, verdict('accuracy', 'waiting')])).toEqual([]);
    expect(kinds({ kind: 'ab' }, [verdict('activations', 'open')])).toEqual([]);
  });

  it('ends a shadow, and brings arm B back, when its time is over', () => {
    const late = [verdict('disagreement', 'waiting')];
    expect(kinds({}, late, 999)).toEqual([]);
    expect(kinds({}, late, 1000)).toEqual(['finish']);
    const comparing = { kind: 'ab', promote: 'command', maxHours: 2, untilMs: 1000 } as const;
    const verdicts = [...late, verdict('latency', 'open'), verdict('accuracy', 'not-applicable')];
    expect(decide(comparing, verdicts, 1000)).toEqual([
      {
        ...{ kind: 'halt', cause: 'time' },
        sentence:
          'its time of 2 hours was over before a person promoted it: 1 of 2 gates open, 1 without enough evidence',
      },
    ]);
  });
});
