import { described, Fault } from './field.tsx';
import { idOf } from './fields.ts';
import type { WaveShape } from './form.ts';
import type { NewRollout } from './store.ts';

const SHAPES = {
  usual: '10 %, 30 %, then all',
  canary: 'A few devices, 30 %, then all',
  custom: 'Custom',
} as const satisfies Record<WaveShape, string>;

/** How the devices are cut into waves. */
export function WaveFields({ store }: { readonly store: NewRollout }) {
  const { shape, canary, waves } = store.form.value;
  return (
    <fieldset class="field">
      <legend class="hidden">Waves</legend>
      <div class="radios">
        {Object.entries(SHAPES).map(([value, title]) => (
          <label key={value}>
            <input
              type="radio"
              name="shape"
              value={value}
              checked={shape === value}
              onChange={() => store.change({ shape: value as WaveShape })}
            />
            {title}
          </label>
        ))}
      </div>
      {shape === 'canary' && (
        <>
          <label for={idOf('waves')}>Devices of the first wave</label>
          <input
            {...described(store, 'waves')}
            class="control short"
            inputMode="numeric"
            value={canary}
            onInput={({ currentTarget }) => store.change({ canary: currentTarget.value })}
          />
        </>
      )}
      {shape === 'custom' && (
        <>
          <label for={idOf('waves')}>Numbers of devices and shares, each with all before it</label>
          <input
            {...described(store, 'waves')}
            class="control mono"
            autocomplete="off"
            spellcheck={false}
            value={waves}
            onInput={({ currentTarget }) => store.change({ waves: currentTarget.value })}
          />
        </>
      )}
      <Fault store={store} field="waves" />
    </fieldset>
  );
}
