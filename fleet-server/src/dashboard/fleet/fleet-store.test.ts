import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Answer, Api } from '../app/api.ts';
import type { LiveChange } from '../app/dashboard.ts';
import type { FleetRow } from '../data/schemas.ts';
import { openFleetStore } from './fleet-store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const rowOf = (device: string, inferencesDay: number): FleetRow => ({
  ...{ device, name: device, status: 'accepted', target: 'x86-64', online: true },
  ...{
    agentVersion: '0.1.0',
    incompatible: '',
    lastSeenMs: 0,
    slots: [],
    alerts: 0,
    inferencesDay,
  },
});

/** A server with that many devices; each answer counts its inferences up. */
function open(devices: number) {
  const asked: string[] = [];
  const listeners = new Set<(change: LiveChange) => void>();
  let refuse = false;
  const ids = Array.from({ length: devices }, (_, i) => `d${i}`);
  const all = async (path: string): Promise<Answer<FleetRow[]>> => {
    asked.push(path);
    if (refuse) return { ok: false, status: 0, detail: 'the fleet server does not answer' };
    const wanted = path.split('ids=')[1]?.split(',') ?? ids;
    return { ok: true, value: wanted.map((id) => rowOf(id, asked.length)) };
  };
  const get = async () => ({ ok: true, value: { lines: {} } });
  const store = openFleetStore({
    api: { all, get } as unknown as Api,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const tell = (topic: LiveChange['topic'], id: string) => {
    for (const listener of listeners) listener({ topic, id });
  };
  const setRefuse = (value: boolean) => {
    refuse = value;
  };
  return { asked, store, tell, setRefuse, ids };
}

test('a device on the screen that changed is loaded alone, however often it changed', async () => {
  const { asked, store, tell, ids } = open(3);
  await vi.advanceTimersByTimeAsync(1000);
  store.shown.value = ids;
  for (let i = 0; i < 20; i++) tell('telemetry', 'd1');
  await vi.advanceTimersByTimeAsync(1500);
  expect(asked).toEqual(['/overview/devices', ...Array(2).fill('/overview/devices?ids=d1')]);
  expect(store.rows.value?.get('d1')?.inferencesDay).toBe(3);
  expect(store.rows.value?.get('d0')?.inferencesDay).toBe(1);
});

test('a device that was not known is loaded at once', async () => {
  const { store, tell } = open(1);
  await vi.advanceTimersByTimeAsync(1000);
  tell('device', 'new');
  await vi.advanceTimersByTimeAsync(1000);
  expect(store.rows.value?.has('new')).toBe(true);
});

test('of a large fleet the rest is loaded now and then, not with each change', async () => {
  const { asked, store, tell, ids } = open(2000);
  await vi.advanceTimersByTimeAsync(1000);
  store.shown.value = ids.slice(0, 100);
  for (let second = 0; second < 28; second++) {
    for (let i = 0; i < 100; i++) tell('telemetry', ids[100 + second * 50 + i]!);
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(asked).toEqual(['/overview/devices']);
  await vi.advanceTimersByTimeAsync(3000);
  expect(asked).toEqual(['/overview/devices', '/overview/devices']);
});

test('what was missed is loaded whole, and a failure leaves the rows and is said', async () => {
  const { asked, store, tell, setRefuse } = open(2);
  await vi.advanceTimersByTimeAsync(1000);
  setRefuse(true);
  tell('reset', '');
  await vi.advanceTimersByTimeAsync(1000);
  expect(store.trouble.value).toBe('the fleet server does not answer');
  expect(store.rows.value?.size).toBe(2);
  setRefuse(false);
  tell('device', 'd0');
  await vi.advanceTimersByTimeAsync(1000);
  expect([store.trouble.value, asked.at(-1)]).toEqual(['', '/overview/devices']);
});
