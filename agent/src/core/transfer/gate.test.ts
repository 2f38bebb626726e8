import { describe, expect, test } from 'vitest';
import type { Clock, Network } from '../ports.ts';
import type { Metered } from '../state.ts';
import { createGate, type Load } from './gate.ts';

const WIRED: Network = { name: 'eth0', metered: false, why: 'it is no modem' };
const MODEM: Network = { name: 'wwan0', metered: true, why: 'it is a modem' };
const LOOK_MS = 1000;

/** A gate on a device whose link is, at each look, the next of these. */
function bed(policy: Metered, links: readonly Network[]) {
  let nowMs = 0;
  let looks = 0;
  const said: (string | undefined)[] = [];
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    async sleep(milliseconds) {
      nowMs += milliseconds;
    },
  };
  const gate = createGate({
    device: { network: async () => links[Math.min(looks++, links.length - 1)] ?? WIRED },
    clock,
    lookMs: LOOK_MS,
    policy: () => policy,
    waits: (why) => said.push(why?.message),
  });
  return { gate, said, clock, looks: () => looks };
}

const { signal } = new AbortController();

describe('gate', () => {
  test('waits for another link, says why once, and that it goes on', async () => {
    const { gate, said, clock } = bed('wait', [MODEM, MODEM, MODEM, WIRED]);
    await gate.pass('small', signal);
    expect(clock.monotonic()).toBe(3 * LOOK_MS);
    expect(said).toEqual([
      'wwan0 is metered (it is a modem) and the policy is wait: the download waits for another link',
      undefined,
    ]);
  });

  test.each<[Metered, Load, boolean]>([
    ['allow', 'whole', true],
    ['delta-only', 'whole', false],
    ['delta-only', 'small', true],
    ['delta-only', 'delta', true],
    ['wait', 'small', false],
    ['wait', 'delta', false],
  ])('with %s a transfer of kind %s over a modem: %s', async (policy, load, open) => {
    expect(await bed(policy, [MODEM]).gate.isOpen(load)).toBe(open);
    expect(await bed(policy, [WIRED]).gate.isOpen(load)).toBe(true);
  });

  test('looks at the link now and then only, and never where all is allowed', async () => {
    const spared = bed('wait', [WIRED, MODEM]);
    for (let chunk = 0; chunk < 10; chunk++) expect(await spared.gate.isOpen('whole')).toBe(true);
    expect(spared.looks()).toBe(1);
    await spared.clock.sleep(LOOK_MS);
    expect(await spared.gate.isOpen('whole')).toBe(false);
    const free = bed('allow', [MODEM]);
    await free.gate.pass('whole', signal);
    expect(free.looks()).toBe(0);
  });

  test('ends to wait when it is interrupted', async () => {
    const { gate } = bed('wait', [MODEM]);
    const stop = new AbortController();
    const waiting = gate.pass('whole', stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow();
  });
});
