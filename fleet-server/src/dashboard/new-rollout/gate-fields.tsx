import { LIMIT_KEYS } from '../../rollouts/gates/limits.ts';
import { DEFAULT_GATES, GATE_NAMES, type GateName } from '../../rollouts/gates/types.ts';
import type { RolloutKind } from '../../rollouts/kinds/settings.ts';
import { described, Fault, TextField } from './field.tsx';
import type { NewRollout } from './store.ts';

/** What each limit is about, in percent. */
const GATES = {
  activations: 'devices that cannot keep the version',
  crashes: 'devices that crash more often',
  'self-test': 'devices near the tolerance of their self-test',
  errors: 'rise of failed inferences',
  latency: 'rise of the run time',
  memory: 'rise of the memory',
  confidence: 'fall of the confidence',
  'class-mix': 'change of the class mix',
  drift: 'devices whose inputs drifted since',
  accuracy: 'fall of right answers',
  disagreement: 'inferences that a shadow answers otherwise',
} as const satisfies Record<GateName, string>;

/** A shadow takes memory beside the model that serves; nothing else can disagree with it. */
const APART = {
  update: 'disagreement',
  ab: 'disagreement',
  shadow: 'memory',
} as const satisfies Record<RolloutKind, GateName>;

interface Props {
  readonly store: NewRollout;
}

/** Every gate with its limit as it comes, to be changed or switched off. */
export function GateFields({ store }: Props) {
  const { form, draft } = store;
  const { kind, minInferences } = form.value;
  const { minInferences: least, alpha } = draft.value?.settings.gates ?? DEFAULT_GATES;
  return (
    <>
      <ul class="gate-fields">
        {GATE_NAMES.filter((gate) => gate !== APART[kind]).map((gate) => (
          <GateField key={gate} store={store} gate={gate} />
        ))}
      </ul>
      <TextField
        store={store}
        field="gates.minInferences"
        label="Inferences by both versions before a gate compares"
        numeric
        short
        placeholder={`${least}`}
        value={minInferences}
        onChange={(text) => store.change({ minInferences: text })}
        hint={`A version within all limits is stopped by mistake with a chance of ${percent(alpha)} % at most.`}
      />
    </>
  );
}

const percent = (share: number): number => Number((100 * share).toPrecision(12));

function GateField({ store, gate }: Props & { readonly gate: GateName }) {
  const { off, limits } = store.form.value;
  const gates = store.draft.value?.settings.gates ?? DEFAULT_GATES;
  const isOff = off.includes(gate);
  // the server switches off what says nothing about a release of the agent
  const unjudged = !isOff && gates.disabled.includes(gate) && !store.stale.value;
  const field = `gates.${LIMIT_KEYS[gate]}`;
  return (
    <li class="gate-field" data-gate={gate}>
      <label>
        <input
          type="checkbox"
          checked={!isOff && !unjudged}
          disabled={unjudged}
          onChange={({ currentTarget: { checked } }) =>
            store.change({ off: checked ? off.filter((one) => one !== gate) : [...off, gate] })
          }
        />
        <span class="mono">{gate}</span>
      </label>
      <span class="muted small">{GATES[gate]}</span>
      <span class="gate-limit">
        {'≤ '}
        <input
          {...described(store, field)}
          class="control"
          inputMode="decimal"
          autocomplete="off"
          aria-label={`Limit of ${gate}, percent`}
          disabled={isOff || unjudged}
          placeholder={`${percent(gates[LIMIT_KEYS[gate]])}`}
          value={limits[gate] ?? ''}
          onInput={({ currentTarget: { value } }) =>
            store.change({ limits: { ...limits, [gate]: value } })
          }
        />
        {' %'}
      </span>
      <Fault store={store} field={field} />
    </li>
  );
}
