import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../node/system-clock.ts';
import { createPowerCutStorage } from '../../testing/power-cut-storage.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { createSender, SENDER_OPTIONS, type SenderOptions } from './sender.ts';

const fast = { interval: 2, timeout: 5000 };
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const QUICK: SenderOptions = {
  ...SENDER_OPTIONS,
  window: 4,
  resendMs: 10_000,
  perSecond: 1e6,
  spreadMs: 0,
};

async function bed(records: number, own: Partial<SenderOptions> = {}, random = () => 1) {
  const outbox = await openOutbox(createPowerCutStorage(), () => '0123456789abcdef');
  for (let i = 0; i < records; i++) await outbox.append('telemetry', { window: {} }, 0);
  const ports = { outbox, clock: systemClock, random, logger };
  const sender = createSender(ports, { ...QUICK, ...own });
  /** When each record was sent, ms after the start. */
  const sent: number[] = [];
  const stopping = new AbortController();
  const run = (publish = async () => undefined) => {
    const beganMs = performance.now();
    return sender.run(async () => {
      sent.push(performance.now() - beganMs);
      await publish();
    }, stopping.signal);
  };
  return { outbox, sender, sent, run, stop: () => stopping.abort() };
}

const settle = (outbox: Outbox, first: number, last: number) =>
  outbox.settle({ outbox: outbox.id, stored: [{ first, last }], rejected: [] });

describe('sender', () => {
  test('keeps a window of unacknowledged records, and moves it with each acknowledgement', async () => {
    const { outbox, sender, sent, run, stop } = await bed(10);
    const running = run();
    await vi.waitFor(() => expect(sent).toHaveLength(4), fast);
    settle(outbox, 1, 3);
    sender.wake();
    await vi.waitFor(() => expect(sent).toHaveLength(7), fast);
    settle(outbox, 4, 10);
    sender.wake();
    stop();
    await running;
    expect(outbox.counts().pending).toBe(0);
  });

  test('sends again what was not acknowledged, ever more patiently, until something is', async () => {
    const { outbox, sender, sent, run, stop } = await bed(1, { resendMs: 30 });
    const running = run();
    await vi.waitFor(() => expect(sent.length).toBeGreaterThanOrEqual(4), fast);
    const pauses = sent.slice(1).map((at, i) => at - (sent[i] ?? 0));
    expect(pauses[0]).toBeGreaterThan(25);
    // it was sent again after 30, 60 and 120 ms
    expect(pauses[2]).toBeGreaterThan(100);
    settle(outbox, 1, 1);
    await outbox.append('telemetry', { window: {} }, 0);
    const before = sent.length;
    sender.wake();
    await vi.waitFor(() => expect(sent.length).toBeGreaterThanOrEqual(before + 2), fast);
    expect((sent[before + 1] ?? 0) - (sent[before] ?? 0)).toBeLessThan(pauses[2] ?? 0);
    stop();
    await running;
  });

  test('sends what is appended while it waits, and outlives a publish that fails', async () => {
    const { outbox, sender, sent, run, stop } = await bed(1, { resendMs: 30 });
    let failures = 1;
    const running = run(async () => {
      if (failures-- > 0) throw new Error('gone');
      return undefined;
    });
    await vi.waitFor(() => expect(sent).toHaveLength(2), fast);
    settle(outbox, 1, 1);
    await outbox.append('report', { outcome: {} }, 0);
    sender.wake();
    await vi.waitFor(() => expect(sent.length).toBeGreaterThanOrEqual(3), fast);
    stop();
    await running;
  });

  test('spreads the begin over a time that grows with what waits', async () => {
    const begin = async (records: number, chance: number) => {
      const own = { window: 100, spreadMs: 10, longestSpreadMs: 200 };
      const { sent, run, stop } = await bed(records, own, () => chance);
      const running = run();
      await vi.waitFor(() => expect(sent.length).toBeGreaterThan(0), fast);
      stop();
      await running;
      return sent[0] ?? 0;
    };
    expect(await begin(10, 0.99)).toBeGreaterThan(90);
    expect(await begin(50, 0.99)).toBeGreaterThan(190);
    expect(await begin(50, 0)).toBeLessThan(90);
  });

  test('sends a backlog at its pace, though everything is acknowledged at once', async () => {
    const { outbox, sender, sent, run, stop } = await bed(24, { perSecond: 100 });
    const running = run(async () => {
      settle(outbox, 1, 24);
      return undefined;
    });
    // 4 at once; what was settled is not sent at all
    await vi.waitFor(() => expect(outbox.counts().pending).toBe(0), fast);
    for (let i = 0; i < 20; i++) await outbox.append('telemetry', { window: {} }, 0);
    const before = sent.length;
    sender.wake();
    const keepUp = setInterval(() => {
      settle(outbox, 1, 24 + sent.length - before);
      sender.wake();
    }, 1);
    await vi.waitFor(() => expect(sent.length).toBe(before + 20), fast);
    clearInterval(keepUp);
    expect((sent.at(-1) ?? 0) - (sent[before] ?? 0)).toBeGreaterThan(100);
    stop();
    await running;
  });
});
