import type { Approval } from '../../rollouts/strategy.ts';
import { Choice, described, Field, TextField } from './field.tsx';
import { MaintenanceFields } from './maintenance-fields.tsx';
import type { NewRollout } from './store.ts';

const APPROVALS = {
  none: 'not needed',
  start: 'before the first wave',
  each: 'before each wave',
} as const satisfies Record<Approval, string>;

/** When waves begin, how long they are watched, how many devices are at it at once. */
export function TimeFields({ store }: { readonly store: NewRollout }) {
  const { form, change } = store;
  const { approval, soak, start, maxInFlight, priority } = form.value;
  return (
    <>
      <div class="fields">
        <Choice
          store={store}
          field="approval"
          label="Approval"
          value={approval}
          options={APPROVALS}
          onChange={(value) => change({ approval: value })}
        />
        <TextField
          store={store}
          field="soakMs"
          label="Soak"
          placeholder="10m"
          hint="how long a wave is watched: 30s, 10m, 1h"
          value={soak}
          onChange={(text) => change({ soak: text })}
        />
        <Field store={store} field="startMs" label="Not before" hint="by the clock of this browser">
          <input
            {...described(store, 'startMs')}
            class="control"
            type="datetime-local"
            value={start}
            onInput={({ currentTarget }) => change({ start: currentTarget.value })}
          />
        </Field>
        <TextField
          store={store}
          field="maxInFlight"
          label="Devices at it at once"
          numeric
          placeholder="any number"
          value={maxInFlight}
          onChange={(text) => change({ maxInFlight: text })}
        />
        <TextField
          store={store}
          field="priority"
          label="Priority"
          numeric
          placeholder="5"
          hint="0 to 9; a higher one takes over devices not asked yet"
          value={priority}
          onChange={(text) => change({ priority: text })}
        />
      </div>
      <MaintenanceFields store={store} />
    </>
  );
}
