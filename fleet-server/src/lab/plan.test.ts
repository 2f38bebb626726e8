import { describe, expect, it } from 'vitest';
import { type LabOrder, MAX_ATTEMPTS, planLab } from './plan.ts';

const RUN = { state: 'running', timeoutMs: 1000 } as const;

const order = (device: string, position: number, change: Partial<LabOrder> = {}): LabOrder => ({
  ...{ device, position, digest: `sha256:${position}`, state: 'pending', retryable: false },
  ...{ attempt: 1, sentMs: 0, endedMs: 0 },
  ...change,
});

describe('the plan of a lab run', () => {
  it('sends one variant at a time to each device, and to all devices at once', () => {
    const orders = [
      order('a', 1),
      order('a', 0, { state: 'measured' }),
      order('b', 1),
      order('b', 0),
    ];
    expect(planLab(RUN, orders, 0)).toEqual([
      { kind: 'send', device: 'a', digest: 'sha256:1' },
      { kind: 'send', device: 'b', digest: 'sha256:0' },
    ]);
    const sent = [order('a', 0, { state: 'sent' }), order('a', 1)];
    expect(planLab(RUN, sent, 999)).toEqual([]);
    expect(planLab(RUN, sent, 1000)).toEqual([{ kind: 'expire', device: 'a', digest: 'sha256:0' }]);
  });

  it('tries a passing failure again, after a pause and not for ever', () => {
    const failed = (attempt: number, retryable = true) => [
      order('a', 0, { state: 'failed', retryable, attempt, endedMs: 0 }),
      order('a', 1),
    ];
    expect(planLab(RUN, failed(1), 1999)).toEqual([]);
    expect(planLab(RUN, failed(1), 2000)).toMatchObject([{ kind: 'retry', digest: 'sha256:0' }]);
    expect(planLab(RUN, failed(2), 3999)).toEqual([]);
    expect(planLab(RUN, failed(MAX_ATTEMPTS), 0)).toMatchObject([{ kind: 'send' }]);
    expect(planLab(RUN, failed(1, false), 0)).toMatchObject([{ kind: 'send' }]);
  });

  it('ends once nothing is open, and plans nothing after its end', () => {
    const orders = [order('a', 0, { state: 'expired' }), order('b', 0, { state: 'unsuitable' })];
    expect(planLab(RUN, orders, 0)).toEqual([{ kind: 'finish' }]);
    expect(planLab({ ...RUN, state: 'aborted' }, [order('a', 0)], 0)).toEqual([]);
  });
});
