import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Overview } from '../data/schemas.ts';
import { type Answer, type Api, createApi } from './api.ts';
import { type LiveState, openLive } from './live.ts';
import { createRefresher } from './refresher.ts';
import { parseRoute, type Route } from './route.ts';
import type { Session } from './session.ts';

/** That something changed on the server; `reset` says that anything may have. */
export interface LiveChange {
  readonly topic: 'device' | 'rollout' | 'build' | 'drift' | 'alert' | 'telemetry' | 'reset';
  /** Of the device, rollout, build or alert. */
  readonly id: string;
}

/** What all pages share while a person is signed in. */
export interface Dashboard {
  readonly session: Session;
  readonly api: Api;
  readonly route: Signal<Route>;
  readonly live: Signal<LiveState>;
  readonly overview: Signal<Overview | undefined>;
  /** Why the last load of the overview failed; empty where it did not. */
  readonly trouble: Signal<string>;
  /** The server's clock, once a second. */
  readonly now: Signal<number>;
  /** The token may change things. */
  readonly mayOperate: ReadonlySignal<boolean>;
  /** The token may let waves open. */
  readonly mayApprove: ReadonlySignal<boolean>;
  /** @returns how to stop listening */
  onChange(listener: (change: LiveChange) => void): () => void;
  close(): void;
}

const OPERATORS = ['operator', 'approver', 'admin'];
const APPROVERS = ['approver', 'admin'];
const OVERVIEW_MS = 1000;

/** @param onRefused told when the server does not take the token */
export function openDashboard(session: Session, onRefused: () => void): Dashboard {
  const api = createApi(session, onRefused);
  const listeners = new Set<(change: LiveChange) => void>();
  const route = signal(parseRoute(location.hash));
  const live = signal<LiveState>('connecting');
  const overview = signal<Overview | undefined>(undefined);
  const trouble = signal('');
  const offset = signal(0);
  const now = signal(Date.now());
  const tick = () => {
    now.value = Date.now() + offset.value;
  };

  const refresher = createRefresher(async () => {
    const answer: Answer<Overview> = await api.get('/overview');
    trouble.value = answer.ok ? '' : answer.detail;
    if (!answer.ok) return false;
    overview.value = answer.value;
    offset.value = answer.value.wallMs - Date.now();
    tick();
    return true;
  }, OVERVIEW_MS);
  const tell = (change: LiveChange) => {
    if (change.topic !== 'telemetry') refresher.request();
    for (const listener of listeners) listener(change);
  };
  const closeLive = openLive({
    url: api.eventsUrl,
    headers: api.headers,
    onRefused,
    onState: (state) => {
      live.value = state;
    },
    onEvent: ({ event, data }) => tell({ topic: event as LiveChange['topic'], id: idOf(data) }),
  });
  refresher.request();
  const navigate = () => {
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', navigate);
  const timer = setInterval(tick, 1000);
  const untitle = effect(() => {
    document.title = titleOf(route.value, overview.value?.alertsOpen ?? 0);
  });

  return {
    session,
    api,
    route,
    live,
    overview,
    trouble,
    now,
    mayOperate: computed(() => OPERATORS.includes(overview.value?.role ?? '')),
    mayApprove: computed(() => APPROVERS.includes(overview.value?.role ?? '')),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closeLive();
      refresher.stop();
      clearInterval(timer);
      untitle();
      removeEventListener('hashchange', navigate);
    },
  };
}

const TITLES = {
  fleet: 'Fleet',
  device: 'Device',
  rollouts: 'Rollouts',
  'new-rollout': 'New rollout',
  rollout: 'Rollout',
  drift: 'Drift',
  unknown: 'No such page',
} as const satisfies Record<Route['page'], string>;

const titleOf = ({ page }: Route, alerts: number): string =>
  `${alerts > 0 ? `(${alerts}) ` : ''}${TITLES[page]} · Flotilla`;

function idOf(data: string): string {
  try {
    const { id } = JSON.parse(data) as { id?: unknown };
    return typeof id === 'string' ? id : '';
  } catch {
    return '';
  }
}
