import { useDashboard, useResource } from '../app/context.ts';
import { ago } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';

interface Deployment {
  readonly deployment: string;
  readonly model: string;
  readonly version: number;
  readonly precision: string;
  readonly rollout: string;
  readonly reason: string;
  readonly attempt: number;
  readonly result: string;
  readonly code: string;
  readonly detail: string;
  readonly createdMs: number;
}

/** What was deployed on a device and how it ended, newest first. */
export function DeploymentList({ id }: { readonly id: string }) {
  const { api, now } = useDashboard();
  const { value } = useResource(
    () => api.get<{ items: Deployment[] }>(`/devices/${id}/deployments?limit=20`),
    {
      when: ({ topic, id: subject }) =>
        topic === 'rollout' || (topic === 'device' && subject === id),
    },
  );
  const items = value.value?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section class="card" aria-labelledby="deployments-title">
      <h2 id="deployments-title">Deployments</h2>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Result</th>
            <th scope="col">When</th>
            <th scope="col">Why this variant</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.deployment}>
              <td class="mono">
                {item.rollout === '' ? (
                  modelText(item)
                ) : (
                  <a href={hrefOf({ page: 'rollout', id: item.rollout })}>{modelText(item)}</a>
                )}
              </td>
              <td class={`text-${item.result}`}>{resultText(item)}</td>
              <td class="muted">{ago(item.createdMs, now.value)}</td>
              <td class="muted">{item.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const modelText = ({ model, version, precision }: Deployment): string =>
  `${model}@${version} ${precision}`;

function resultText({ result, attempt, code, detail }: Deployment): string {
  const again = attempt > 1 ? `, attempt ${attempt}` : '';
  const why = detail || code;
  return `${result}${again}${why === '' ? '' : `: ${why}`}`;
}
