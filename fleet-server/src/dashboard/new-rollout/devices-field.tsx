import { plural } from '../app/format.ts';
import { GroupChoice } from '../fleet/selector-bar.tsx';
import { faultOf, idOf } from './fields.ts';
import type { NewRollout } from './store.ts';

/** Which devices, by a selector or a group. */
export function DevicesField({ store }: { readonly store: NewRollout }) {
  const { draft, stale, form, wrong, change } = store;
  const { devices } = form.value;
  const matched = stale.value ? undefined : draft.value?.matched;
  const fault = faultOf(wrong.value, 'devices');
  const id = idOf('devices');
  return (
    <div class="field">
      <label for={id}>Selector</label>
      <div class="selector-line">
        <input
          id={id}
          class="control mono"
          type="search"
          autocomplete="off"
          spellcheck={false}
          maxLength={1000}
          placeholder="all devices; or site=lyon and memory >= 4GB"
          aria-describedby={`${id}-wrong`}
          aria-invalid={fault !== ''}
          value={devices}
          onInput={({ currentTarget }) => change({ devices: currentTarget.value })}
        />
        <GroupChoice selector={devices} onChoose={(text) => change({ devices: text })} />
      </div>
      {matched !== undefined && (
        <p class="muted small">Matches {plural(matched, 'device')} of the fleet.</p>
      )}
      <p id={`${id}-wrong`} class="field-wrong" role="status">
        {fault}
      </p>
    </div>
  );
}
