import type { ComponentChildren } from 'preact';
import { useDashboard } from '../app/context.ts';
import { count } from '../app/format.ts';

/** The counts of the whole fleet. */
export function FleetHead() {
  const { overview } = useDashboard();
  const { devices, rolloutsRunning = 0, alertsOpen = 0 } = overview.value ?? {};
  const { total = 0, online = 0, pending = 0 } = devices ?? {};
  return (
    <header class="head">
      <h1>Fleet</h1>
      <dl class="tiles">
        <Tile label="online" href="#/">
          <span data-testid="online">{count(online)}</span>
          <span class="tile-of"> / {count(total)}</span>
        </Tile>
        <Tile
          label={rolloutsRunning === 1 ? 'rollout under way' : 'rollouts under way'}
          href="#/rollouts"
        >
          {count(rolloutsRunning)}
        </Tile>
        <Tile
          label={alertsOpen === 1 ? 'open drift alert' : 'open drift alerts'}
          href="#/drift"
          tone={alertsOpen > 0 ? 'warn' : ''}
        >
          {count(alertsOpen)}
        </Tile>
        {pending > 0 && (
          <Tile label="waiting to be accepted" href="#/" tone="warn">
            {count(pending)}
          </Tile>
        )}
      </dl>
    </header>
  );
}

interface TileProps {
  readonly label: string;
  readonly href: string;
  readonly tone?: 'warn' | '';
  readonly children: ComponentChildren;
}

function Tile({ label, href, tone = '', children }: TileProps) {
  return (
    <div class={`tile ${tone}`}>
      <dt>
        <a href={href}>{label}</a>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
