import { type Signal, useSignal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect, useRef } from 'preact/hooks';
import type { Answer } from './api.ts';
import type { Dashboard, LiveChange } from './dashboard.ts';
import { createRefresher } from './refresher.ts';

export const DashboardContext = createContext<Dashboard | undefined>(undefined);

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (dashboard === undefined) throw new RangeError('this part stands outside of a session');
  return dashboard;
}

export interface Resource<T> {
  /** The last that was loaded; it stays while a reload fails. */
  readonly value: Signal<T | undefined>;
  /** Why the last load failed, empty where it did not. */
  readonly trouble: Signal<string>;
}

export interface ResourceOptions {
  /** What calls for a reload; a `reset` always does. */
  readonly when: (change: LiveChange) => boolean;
  /** Reloads are that far apart at least. */
  readonly intervalMs?: number;
}

/** Something of the server that is drawn: loaded once, and again when `when` says so. */
export function useResource<T>(
  load: () => Promise<Answer<T>>,
  { when, intervalMs = 700 }: ResourceOptions,
): Resource<T> {
  const { onChange } = useDashboard();
  const value = useSignal<T | undefined>(undefined);
  const trouble = useSignal('');
  const latest = useRef({ load, when });
  latest.current = { load, when };
  useEffect(() => {
    let current = true;
    const refresher = createRefresher(async () => {
      const answer = await latest.current.load();
      if (!current) return false;
      trouble.value = answer.ok ? '' : answer.detail;
      if (answer.ok) value.value = answer.value;
      return answer.ok;
    }, intervalMs);
    refresher.request();
    const stop = onChange((change) => {
      if (change.topic === 'reset' || latest.current.when(change)) refresher.request();
    });
    return () => {
      current = false;
      stop();
      refresher.stop();
    };
  }, [onChange, intervalMs, trouble, value]);
  return { value, trouble };
}
