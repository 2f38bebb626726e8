import { DAYS, type Day } from '../../rollouts/pace/windows.ts';
import { Fault } from './field.tsx';
import { idOf } from './fields.ts';
import { EMPTY_WINDOW, type FormWindow } from './form.ts';
import type { NewRollout } from './store.ts';

/** Windows that the server takes. */
const MOST = 14;

/** The recurring hours in which devices may be changed. */
export function MaintenanceFields({ store }: { readonly store: NewRollout }) {
  const { maintenance } = store.form.value;
  const change = (windows: readonly FormWindow[]) => store.change({ maintenance: windows });
  return (
    <fieldset class="field maintenance">
      <legend>Maintenance windows</legend>
      {maintenance.map((window, at) => (
        <WindowFields
          key={at}
          number={at + 1}
          window={window}
          onChange={(part) => change(maintenance.with(at, { ...window, ...part }))}
          onRemove={() => {
            change(maintenance.toSpliced(at, 1));
            document.getElementById(idOf('maintenance'))?.focus();
          }}
        />
      ))}
      {maintenance.length === 0 && <p class="muted small">Devices may be changed at any time.</p>}
      {maintenance.length < MOST && (
        <button
          id={idOf('maintenance')}
          class="button"
          type="button"
          onClick={() => change([...maintenance, EMPTY_WINDOW])}
        >
          Add a window
        </button>
      )}
      <Fault store={store} field="maintenance" />
    </fieldset>
  );
}

interface WindowProps {
  readonly number: number;
  readonly window: FormWindow;
  readonly onChange: (part: Partial<FormWindow>) => void;
  readonly onRemove: () => void;
}

function WindowFields({ number, window, onChange, onRemove }: WindowProps) {
  const { days, from, to, timeZone } = window;
  const toggle = (day: Day) =>
    onChange({ days: DAYS.filter((one) => (one === day) !== days.includes(one)) });
  return (
    <fieldset class="window" aria-label={`Window ${number}`}>
      <fieldset class="days" aria-label="Days; every day where none is chosen">
        {DAYS.map((day) => (
          <label key={day}>
            <input type="checkbox" checked={days.includes(day)} onChange={() => toggle(day)} />
            {day}
          </label>
        ))}
      </fieldset>
      <span class="hours">
        <input
          class="control"
          type="time"
          aria-label="From"
          value={from}
          onInput={({ currentTarget }) => onChange({ from: currentTarget.value })}
        />
        {' to '}
        <input
          class="control"
          type="time"
          aria-label="To"
          value={to}
          onInput={({ currentTarget }) => onChange({ to: currentTarget.value })}
        />
      </span>
      <input
        class="control zone"
        aria-label="Time zone"
        autocomplete="off"
        spellcheck={false}
        maxLength={64}
        placeholder="each device's own zone"
        value={timeZone}
        onInput={({ currentTarget }) => onChange({ timeZone: currentTarget.value })}
      />
      <button class="button quiet" type="button" onClick={onRemove}>
        Remove
      </button>
    </fieldset>
  );
}
