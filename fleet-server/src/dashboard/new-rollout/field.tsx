import type { ComponentChildren } from 'preact';
import { faultOf, idOf } from './fields.ts';
import type { NewRollout } from './store.ts';

/** What a control says of itself to those who cannot see the line below it. */
export const described = (store: NewRollout, field: string) => {
  const wrong = faultOf(store.wrong.value, field) !== '';
  return {
    id: idOf(field),
    'aria-describedby': `${idOf(field)}-wrong`,
    'aria-invalid': wrong,
  } as const;
};

interface FaultProps {
  readonly store: NewRollout;
  readonly field: string;
}

/** The place of a field's error. */
export function Fault({ store, field }: FaultProps) {
  return (
    <p id={`${idOf(field)}-wrong`} class="field-wrong" role="status">
      {faultOf(store.wrong.value, field)}
    </p>
  );
}

interface FieldProps extends FaultProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A control under its label, with its error below. */
export function Field({ store, field, label, hint, children }: FieldProps) {
  return (
    <div class="field">
      <label for={idOf(field)}>{label}</label>
      {children}
      {hint !== undefined && <p class="muted small">{hint}</p>}
      <Fault store={store} field={field} />
    </div>
  );
}

interface TextFieldProps extends FaultProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  /** What holds where it is left empty. */
  readonly placeholder?: string;
  readonly hint?: ComponentChildren;
  readonly numeric?: boolean;
  readonly short?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { store, field, label, value, onChange, placeholder = '', hint } = props;
  const { numeric = false, short = false } = props;
  return (
    <Field store={store} field={field} label={label} hint={hint}>
      <input
        {...described(store, field)}
        class={short ? 'control short' : 'control'}
        autocomplete="off"
        spellcheck={false}
        maxLength={300}
        inputMode={numeric ? 'decimal' : 'text'}
        placeholder={placeholder}
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </Field>
  );
}

interface ChoiceProps<T extends string> extends FaultProps {
  readonly label: string;
  readonly value: T;
  readonly options: Readonly<Record<T, string>>;
  readonly onChange: (value: T) => void;
  readonly hint?: ComponentChildren;
}

export function Choice<T extends string>(props: ChoiceProps<T>) {
  const { store, field, label, value, options, onChange, hint } = props;
  return (
    <Field store={store} field={field} label={label} hint={hint}>
      <select
        {...described(store, field)}
        class="control"
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value as T)}
      >
        {Object.entries<string>(options).map(([key, title]) => (
          <option key={key} value={key}>
            {title}
          </option>
        ))}
      </select>
    </Field>
  );
}
