import { decode } from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import journalOf10 from '../fixtures/journal-1.0.json' with { type: 'json' };
import outboxOf10 from '../fixtures/outbox-1.0.json' with { type: 'json' };
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { openJournal } from './journal.ts';
import { openOutbox } from './outbox/outbox.ts';

describe('data of release 1.0', () => {
  test('its journal is read whole', async () => {
    const storage = createPowerCutStorage();
    await storage.write('journal.json', Buffer.from(JSON.stringify(journalOf10)));
    const { state } = await openJournal(storage, '');
    expect(state).toEqual(journalOf10);
  });

  test('its outbox is read: what was settled is gone, the sequence goes on', async () => {
    const storage = createPowerCutStorage();
    await storage.makeFolder('outbox');
    for (const [path, hex] of Object.entries(outboxOf10)) {
      await storage.write(path, Buffer.from(hex, 'hex'));
    }
    const outbox = await openOutbox(storage, () => 'ffffffffffffffff');
    expect(outbox.id).toBe('0123456789abcdef');
    const pending = outbox.pending(0, 10);
    expect(pending).toEqual([
      { seq: 2, topic: 'telemetry' },
      { seq: 3, topic: 'telemetry' },
    ]);
    const payload = await outbox.payload(3);
    expect(decode('Record', payload ?? new Uint8Array())).toMatchObject({
      outbox: '0123456789abcdef',
      seq: 3,
      window: { slot: 'parts', inferences: 8 },
    });
    expect(await outbox.append('report', { outcome: {} }, 0)).toBe(4);
  });
});
