import { describe, expect, test } from 'vitest';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { openJournal } from './journal.ts';
import type { Attempt, WantedDeployment } from './state.ts';

const deployment = (n: number): WantedDeployment => ({
  id: `d${n}`,
  attempt: 1,
  slot: 'parts',
  digest: `sha256:${n}`,
  url: '',
  size: 0,
  model: 'parts',
  version: n,
  precision: '',
  notBeforeMs: 0,
  notAfterMs: 0,
  deadlineMs: 0,
  watchMs: 0,
  targetPath: '',
});

const ended = (n: number, reported = true): Attempt => ({
  deployment: deployment(n),
  stage: 'watched',
  reported,
  ending: { result: 'RESULT_COMMITTED', step: 'commit', code: '', detail: '' },
});

async function write(text: string) {
  const storage = createPowerCutStorage();
  await storage.write('journal.json', new TextEncoder().encode(text));
  return storage;
}

describe('journal', () => {
  test('remembers what was updated, and forgets an update that failed', async () => {
    const storage = createPowerCutStorage();
    const journal = await openJournal(storage, 'root');
    expect(journal.state.trusted.root).toBe('root');
    await journal.update((draft) => {
      draft.connectSeq = 7;
    });
    storage.cut();
    const failing = journal.update((draft) => {
      draft.connectSeq = 8;
    });
    await expect(failing).rejects.toThrow();
    expect(journal.state.connectSeq).toBe(7);
    const again = await openJournal(storage.restart('nothing'), 'another root');
    expect(again.state).toEqual(journal.state);
  });

  test('applies updates in the order of the calls', async () => {
    const journal = await openJournal(createPowerCutStorage(), '');
    const add = () =>
      journal.update((draft) => {
        draft.connectSeq += 1;
      });
    await Promise.all(Array.from({ length: 20 }, add));
    expect(journal.state.connectSeq).toBe(20);
  });

  test('keeps endings that are wanted, unreported or recent, and drops the others', async () => {
    const journal = await openJournal(createPowerCutStorage(), '');
    await journal.update((draft) => {
      draft.wanted.slots = [{ name: 'parts', mode: 'present', active: deployment(1) }];
      draft.attempts = [ended(1), ended(2), ended(3, false)];
      for (let n = 4; n < 40; n++) draft.attempts.push(ended(n));
    });
    const kept = journal.state.attempts.map((attempt) => attempt.deployment.version);
    expect(kept).toEqual(expect.arrayContaining([1, 3, 8, 39]));
    expect(kept).not.toContain(2);
    expect(kept).toHaveLength(34);
  });

  test.each([
    ['agent.data-newer', '{"format":2}'],
    ['agent.data-corrupt', '{"format":1}'],
    ['agent.data-corrupt', '{'],
    ['agent.data-corrupt', 'null'],
  ])('refuses with %s to open %s', async (code, text) => {
    await expect(openJournal(await write(text), '')).rejects.toMatchObject({ code });
  });
});
