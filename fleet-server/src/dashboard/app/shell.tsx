import { DriftPage } from '../drift/drift-page.tsx';
import { DevicePage } from '../fleet/device-page.tsx';
import { FleetPage } from '../fleet/fleet-page.tsx';
import { NewRolloutPage } from '../new-rollout/new-rollout-page.tsx';
import { RolloutPage } from '../rollouts/rollout-page.tsx';
import { RolloutsPage } from '../rollouts/rollouts-page.tsx';
import { useDashboard } from './context.ts';
import type { LiveState } from './live.ts';
import { Mark } from './mark.tsx';
import { hrefOf, type Route, type Section, sectionOf } from './route.ts';

/** Head, navigation and the page that the address names. */
export function Shell({ onSignOut }: { readonly onSignOut: () => void }) {
  const { route, live, overview, session, trouble } = useDashboard();
  const { rolloutsRunning = 0, alertsOpen = 0, halted = false } = overview.value ?? {};
  return (
    <>
      <button class="skip" type="button" onClick={toContent}>
        Skip to content
      </button>
      <header class="top">
        <div class="top-inner">
          <a class="brand" href="#/" aria-label="Flotilla, fleet page">
            <Mark />
            <span class="brand-name">Flotilla</span>
            <span class="brand-fleet">{session.fleet}</span>
          </a>
          <nav class="nav" aria-label="Pages">
            <Tab section="fleet" route={route.value} label="Fleet" />
            <Tab section="rollouts" route={route.value} label="Rollouts" badge={rolloutsRunning} />
            <Tab section="drift" route={route.value} label="Drift" badge={alertsOpen} warn />
          </nav>
          <LiveMark state={live.value} />
          <button class="button quiet" type="button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </header>
      {halted && (
        <p class="banner bad" role="status">
          The fleet is halted: devices take no new step until it is let go on.
        </p>
      )}
      {trouble.value !== '' && (
        <p class="banner warn" role="status">
          What is shown may be old: {trouble.value}.
        </p>
      )}
      <main id="main" tabIndex={-1}>
        <Page route={route.value} />
      </main>
    </>
  );
}

/** A link would take the address, which names the page. */
function toContent() {
  document.getElementById('main')?.focus();
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'fleet':
      return <FleetPage />;
    case 'device':
      return <DevicePage key={route.id} id={route.id} />;
    case 'rollouts':
      return <RolloutsPage />;
    case 'new-rollout':
      return <NewRolloutPage />;
    case 'rollout':
      return <RolloutPage key={route.id} id={route.id} />;
    case 'drift':
      return <DriftPage />;
    case 'unknown':
      return <UnknownPage />;
  }
}

function UnknownPage() {
  return (
    <section class="card placeholder">
      <h1>No such page</h1>
      <p class="muted">
        The address names no page and no device of this fleet.{' '}
        <a href={hrefOf({ page: 'fleet' })}>Show the fleet</a>
      </p>
    </section>
  );
}

interface TabProps {
  readonly section: Section;
  readonly route: Route;
  readonly label: string;
  readonly badge?: number;
  readonly warn?: boolean;
}

function Tab({ section, route, label, badge = 0, warn = false }: TabProps) {
  const current = sectionOf(route) === section;
  return (
    <a class="tab" href={hrefOf({ page: section })} aria-current={current ? 'page' : undefined}>
      {label}
      {badge > 0 && <span class={warn ? 'badge warn' : 'badge'}>{badge}</span>}
    </a>
  );
}

const LIVE = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting',
} as const satisfies Record<LiveState, string>;

function LiveMark({ state }: { readonly state: LiveState }) {
  return (
    <span class={`live ${state}`} role="status" title="Connection to the fleet server">
      <span class="live-dot" aria-hidden="true" />
      {LIVE[state]}
    </span>
  );
}
