import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Answer, Api } from '../app/api.ts';
import type { LiveChange } from '../app/dashboard.ts';
import { openSelection } from './selection.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Found = Answer<{ devices: string[]; note: string }>;
const found = (devices: string[], note = ''): Found => ({ ok: true, value: { devices, note } });

function open(answers: Record<string, Found>) {
  const asked: string[] = [];
  const listeners = new Set<(change: LiveChange) => void>();
  const get = async (path: string) => {
    const selector = decodeURIComponent(path.split('selector=')[1] ?? '');
    asked.push(selector);
    return answers[selector];
  };
  const selection = openSelection({
    api: { get } as unknown as Api,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const tell = (topic: LiveChange['topic']) => {
    for (const listener of listeners) listener({ topic, id: 'd1' });
  };
  return { asked, selection, tell, listeners };
}

test('a selector is asked for once it is set, and again when devices change', async () => {
  const { asked, selection, tell, listeners } = open({ 'a=1 & b': found(['d1']) });
  tell('device');
  await vi.advanceTimersByTimeAsync(5000);
  expect([asked, selection.devices.value]).toEqual([[], undefined]);
  selection.selector.value = 'a=1 & b';
  await vi.advanceTimersByTimeAsync(1);
  expect(selection.devices.value).toEqual(new Set(['d1']));
  for (let i = 0; i < 9; i++) tell('device');
  tell('telemetry');
  await vi.advanceTimersByTimeAsync(9000);
  expect(asked).toEqual(['a=1 & b', 'a=1 & b']);
  selection.selector.value = '';
  expect(selection.devices.value).toBeUndefined();
  selection.close();
  expect(listeners.size).toBe(0);
});

test('what is wrong is said and selects nothing; a server that is away changes nothing', async () => {
  const answers: Record<string, Found> = {
    good: found(['d1', 'd2']),
    none: found([], 'no device has none'),
    bad: { ok: false, status: 400, detail: 'wrong at character 1', at: 1 },
  };
  const { selection, tell } = open(answers);
  for (const [selector, size, note, wrongAt] of [
    ['good', 2, '', 0],
    ['bad', 0, 'wrong at character 1', 1],
    ['none', 0, 'no device has none', 0],
    ['good', 2, '', 0],
  ] as const) {
    selection.selector.value = selector;
    await vi.advanceTimersByTimeAsync(2001);
    const seen = [selection.devices.value?.size, selection.note.value, selection.wrongAt.value];
    expect(seen).toEqual([size, note, wrongAt]);
  }
  answers.good = { ok: false, status: 0, detail: 'the fleet server does not answer' };
  tell('reset');
  await vi.advanceTimersByTimeAsync(2001);
  expect(selection.devices.value?.size).toBe(2);
  expect(selection.note.value).toContain('does not answer');
});
