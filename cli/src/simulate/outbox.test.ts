import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Outbox } from './outbox.ts';

const payloadOf = (seq: number) => Uint8Array.of(seq);

function sent(outbox: Outbox, nowMs = 0): number[] {
  const seqs: number[] = [];
  outbox.send(nowMs, (_, payload) => seqs.push(payload[0] ?? 0));
  return seqs;
}

const ack = (outbox: Outbox, first: number, last: number) =>
  outbox.settle({ outbox: outbox.id, stored: [{ first, last }], rejected: [] });

it('keeps a record until it is acknowledged, and sends it again after a while or a new connection', () => {
  const outbox = new Outbox();
  for (let i = 0; i < 3; i++) outbox.add('report', payloadOf);
  expect(sent(outbox)).toEqual([1, 2, 3]);
  expect(sent(outbox)).toEqual([]);
  ack(outbox, 1, 1);
  outbox.forgetSent(10_000);
  expect(sent(outbox)).toEqual([]);
  outbox.forgetSent(20_000);
  expect(sent(outbox, 20_000)).toEqual([2, 3]);
  outbox.forgetSent();
  expect(sent(outbox)).toEqual([2, 3]);
  outbox.settle({ outbox: '0'.repeat(16), stored: [{ first: 1, last: 9 }], rejected: [] });
  expect(outbox.pending).toBe(2);
});

it('waits twice as long each time that nothing was acknowledged', () => {
  const outbox = new Outbox();
  outbox.add('report', payloadOf);
  const resent: number[] = [];
  for (let s = 0; s <= 160; s++) {
    outbox.forgetSent(s * 1000);
    if (sent(outbox, s * 1000).length > 0) resent.push(s);
  }
  expect(resent).toEqual([0, 20, 60, 140]);
});

it('has at most 32 records on their way', () => {
  const outbox = new Outbox();
  for (let i = 0; i < 40; i++) outbox.add('report', payloadOf);
  expect(sent(outbox)).toHaveLength(32);
  ack(outbox, 5, 6);
  expect(sent(outbox)).toEqual([33, 34]);
});

it('drops telemetry before reports when it is full', () => {
  const outbox = new Outbox();
  outbox.add('report', payloadOf);
  for (let i = 0; i < 600; i++) outbox.add('telemetry', payloadOf);
  expect(outbox.pending).toBe(500);
  expect(sent(outbox)[0]).toBe(1);
});

it('sends everything at last, whatever is acknowledged in which order', () => {
  const range = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 10 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (acks) => {
      const outbox = new Outbox();
      for (let i = 0; i < 50; i++) outbox.add('report', payloadOf);
      const seen = new Set(sent(outbox));
      for (const [first, length] of acks) {
        const known = [...seen].filter((seq) => seq >= first && seq <= first + length);
        for (const seq of known) ack(outbox, seq, seq);
        for (const seq of sent(outbox)) seen.add(seq);
      }
      ack(outbox, 0, 2 ** 40);
      expect(outbox.pending).toBe(0);
      outbox.add('report', payloadOf);
      expect(sent(outbox)).toEqual([51]);
    }),
  );
});
