import type { Promotion, RolloutKind } from '../../rollouts/kinds/settings.ts';
import { Choice, TextField } from './field.tsx';
import type { Form } from './form.ts';
import type { NewRollout } from './store.ts';

interface Props {
  readonly store: NewRollout;
}

const KINDS = {
  update: 'Rollout',
  shadow: 'Shadow',
  ab: 'A/B',
} as const satisfies Record<RolloutKind, string>;

const HINTS = {
  update: 'The version takes the place of what runs.',
  shadow:
    'The version runs beside what serves, on some of the same inputs; nobody gets its answers.',
  ab: 'A share of the devices gets the version and is compared with the others.',
} as const satisfies Record<RolloutKind, string>;

const PROMOTIONS = {
  command: 'a person',
  gate: 'the server, once no gate is against it',
} as const satisfies Record<Promotion, string>;

/** What is done with the version. */
export function KindField({ store }: Props) {
  const { kind } = store.form.value;
  return (
    <Choice
      store={store}
      field="kind"
      label="Kind"
      value={kind}
      options={KINDS}
      hint={HINTS[kind]}
      onChange={(value) => store.change({ kind: value })}
    />
  );
}

/** What a kind has of its own. */
export function KindOptions({ store }: Props) {
  switch (store.form.value.kind) {
    case 'update':
      return null;
    case 'shadow':
      return <ShadowFields store={store} />;
    case 'ab':
      return <AbFields store={store} />;
  }
}

function ShadowFields({ store }: Props) {
  return (
    <div class="fields">
      <Promote store={store} />
      <Figure
        store={store}
        of="sample"
        field="shadow.samplePermille"
        text="Inputs it sees, %"
        placeholder="10"
      />
      <Figure
        store={store}
        of="busy"
        field="shadow.busyPermille"
        text="Time it may compute, %"
        placeholder="20"
      />
      <Figure
        store={store}
        of="maxTemperature"
        field="shadow.maxTemperatureC"
        text="It rests above, °C"
        placeholder="75"
      />
      <Figure
        store={store}
        of="compared"
        field="shadow.minCompared"
        text="Inferences by both"
        placeholder="1000"
      />
      <Figure
        store={store}
        of="maxHours"
        field="shadow.maxHours"
        text="It ends after, hours"
        placeholder="168"
      />
    </div>
  );
}

function AbFields({ store }: Props) {
  return (
    <div class="fields">
      <Promote store={store} />
      <Figure
        store={store}
        of="share"
        field="ab.sharePercent"
        text="Devices of arm B, %"
        placeholder="50"
      />
      <Figure
        store={store}
        of="maxHours"
        field="ab.maxHours"
        text="It ends after, hours"
        placeholder="336"
      />
    </div>
  );
}

function Promote({ store }: Props) {
  return (
    <Choice
      store={store}
      field="promote"
      label="Made an update by"
      value={store.form.value.promote}
      options={PROMOTIONS}
      onChange={(promote) => store.change({ promote })}
    />
  );
}

type Figures = 'sample' | 'busy' | 'maxTemperature' | 'compared' | 'share' | 'maxHours';

interface FigureProps extends Props {
  readonly of: Figures & keyof Form;
  readonly field: string;
  readonly text: string;
  readonly placeholder: string;
}

function Figure({ store, of, field, text, placeholder }: FigureProps) {
  return (
    <TextField
      store={store}
      field={field}
      label={text}
      numeric
      placeholder={placeholder}
      value={store.form.value[of]}
      onChange={(value) => store.change({ [of]: value })}
    />
  );
}
