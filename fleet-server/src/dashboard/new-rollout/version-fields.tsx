import { useEffect } from 'preact/hooks';
import { useDashboard, useResource } from '../app/context.ts';
import { described, Fault } from './field.tsx';
import { idOf } from './fields.ts';
import type { NewRollout } from './store.ts';
import { loadVersions, type VersionDetail, variantsText, versionPath } from './versions.ts';

interface Props {
  readonly store: NewRollout;
}

/** Which model, and which of its versions. */
export function VersionFields({ store }: Props) {
  const { api } = useDashboard();
  const { value, trouble } = useResource(() => api.all<{ model: string }>('/models'), {
    when: ({ topic }) => topic === 'build',
  });
  const models = value.value?.map(({ model }) => model);
  const { model } = store.form.value;
  const only = models?.length === 1 ? models[0] : undefined;
  useEffect(() => {
    if (only !== undefined) store.change({ model: only });
  }, [store, only]);
  if (models === undefined) return <p class="muted">{trouble.value || 'Loading models …'}</p>;
  if (models.length === 0) {
    return (
      <div>
        <p>There is no model yet. Push one:</p>
        <pre class="command">npx flotilla model push MODEL_FOLDER</pre>
      </div>
    );
  }
  return (
    <>
      <div class="field">
        <label for={idOf('model')}>Model</label>
        <select
          {...described(store, 'model')}
          class="control"
          value={model}
          onChange={({ currentTarget }) =>
            store.change({ model: currentTarget.value, version: '' })
          }
        >
          {only === undefined && <option value="">Choose …</option>}
          {models.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <Fault store={store} field="model" />
      </div>
      {model !== '' && <VersionField key={model} store={store} />}
    </>
  );
}

function VersionField({ store }: Props) {
  const { api } = useDashboard();
  const { model, version } = store.form.value;
  const { value, trouble } = useResource(() => loadVersions(api, model), {
    when: ({ topic }) => topic === 'build',
  });
  const { offered = [], others = [] } = value.value ?? {};
  const newest = offered[0];
  useEffect(() => {
    if (newest !== undefined && store.form.peek().version === '') {
      store.change({ version: `${newest}` });
    }
  }, [store, newest]);
  return (
    <div class="field">
      <label for={idOf('version')}>Version</label>
      <select
        {...described(store, 'version')}
        class="control"
        value={version}
        disabled={offered.length === 0}
        onChange={({ currentTarget }) => store.change({ version: currentTarget.value })}
      >
        {offered.length === 0 && <option value="">{emptyText(value.value, trouble.value)}</option>}
        {offered.map((number) => (
          <option key={number} value={`${number}`}>
            {number}
          </option>
        ))}
      </select>
      {version !== '' && <Variants key={`${model}@${version}`} model={model} version={version} />}
      {others.length > 0 && (
        <ul class="muted small" aria-label="Versions that are not offered">
          {others.map(({ version: number, why }) => (
            <li key={number}>
              Not offered: {number} {why}
            </li>
          ))}
        </ul>
      )}
      <Fault store={store} field="version" />
    </div>
  );
}

const emptyText = (loaded: unknown, trouble: string): string =>
  loaded === undefined ? trouble || 'Loading …' : 'None is built and signed';

function Variants({ model, version }: { readonly model: string; readonly version: string }) {
  const { api } = useDashboard();
  const { value } = useResource(() => api.get<VersionDetail>(versionPath(model, version)), {
    when: () => false,
  });
  if (value.value === undefined) return null;
  return <p class="muted small">Signed for {variantsText(value.value)}</p>;
}
