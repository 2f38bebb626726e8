import { spread } from '../../rollouts/progress/spread.ts';
import { Fold } from '../app/fold.tsx';
import { count } from '../app/format.ts';
import type { Progress } from './squares.ts';

const CELLS = 40;

/** How the devices of each stratum fare; nothing where there is but one. */
export function Strata({ progress }: { readonly progress: Progress }) {
  const { strata, furtherStrata } = progress;
  if (strata.length < 2) return null;
  return (
    <Fold class="strata" summary={`By stratum (${count(strata.length + furtherStrata)})`}>
      {() => (
        <>
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">Stratum</th>
                <th scope="col">Devices</th>
                <th scope="col">Committed</th>
                <th scope="col">Failed</th>
                <th scope="col" class="wide">
                  <span class="hidden">Progress</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {strata.map(({ stratum, size, counts }) => (
                <tr key={stratum}>
                  <td>
                    <bdi>{stratum || '–'}</bdi>
                  </td>
                  <td data-label="Devices">{count(size)}</td>
                  <td data-label="Committed">{count(counts.committed ?? 0)}</td>
                  <td data-label="Failed" class={counts.failed ? 'text-failed' : ''}>
                    {count(counts.failed ?? 0)}
                  </td>
                  <td>
                    <Bar counts={counts} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {furtherStrata > 0 && <p class="muted small">and {count(furtherStrata)} more</p>}
        </>
      )}
    </Fold>
  );
}

function Bar({ counts }: { readonly counts: Progress['strata'][number]['counts'] }) {
  const runs = [...Map.groupBy(spread(counts, CELLS), (standing) => standing)];
  return (
    <span class="progress thin" aria-hidden="true">
      {runs.map(([standing, cells]) => (
        <span key={standing} class={`part ${standing}`} style={{ flexGrow: cells.length }} />
      ))}
    </span>
  );
}
