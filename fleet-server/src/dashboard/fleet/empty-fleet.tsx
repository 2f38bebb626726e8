import { useDashboard } from '../app/context.ts';

/** What to do next where there is no device yet. */
export function EmptyFleet() {
  const { session } = useDashboard();
  const fleet = session.fleet === 'default' ? '' : ` --fleet ${session.fleet}`;
  return (
    <section class="card empty" aria-label="No devices">
      <h2>No devices yet</h2>
      <p>Make a claim token, with which devices enroll:</p>
      <pre class="command">{`npx flotilla token claim --uses 10${fleet}`}</pre>
      <p>Then, on each device:</p>
      <pre class="command">
        {`npx flotilla-agent enroll --server ${location.origin} --token CLAIM_TOKEN --data ./device
npx flotilla-agent run --data ./device`}
      </pre>
      <p class="muted">It appears here as soon as it has enrolled.</p>
    </section>
  );
}
