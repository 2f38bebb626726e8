import type { TargetedSubmitEvent } from 'preact';
import { useDashboard, useResource } from '../app/context.ts';
import { said } from '../rollouts/squares.ts';
import type { Selection } from './selection.ts';

interface Groups {
  readonly items: readonly { readonly name: string }[];
}

/** Asks for a selector, or for a group, and says what is wrong with it. */
export function SelectorBar({ selection }: { readonly selection: Selection }) {
  const { selector, note, wrongAt } = selection;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    selector.value = String(new FormData(event.currentTarget).get('selector') ?? '').trim();
  };
  return (
    <>
      <form class="selector" onSubmit={submit}>
        <input
          class="filter mono"
          type="search"
          name="selector"
          placeholder="Selector: site=lyon and memory >= 4GB"
          aria-label="Selector"
          aria-describedby="selector-note"
          autocomplete="off"
          spellcheck={false}
          maxLength={1000}
          aria-invalid={wrongAt.value > 0}
          value={selector.value}
          onInput={({ currentTarget: { value } }) => {
            if (value === '') selector.value = '';
          }}
        />
        <button class="button" type="submit">
          Select
        </button>
        <GroupChoice
          selector={selector.value}
          onChoose={(chosen) => {
            selector.value = chosen;
          }}
        />
      </form>
      <div id="selector-note" role="status">
        {wrongAt.value > 0 && <Place selector={selector.value} at={wrongAt.value} />}
        <p class="selector-note">{said(note.value)}</p>
      </div>
    </>
  );
}

/** The selector with what is wrong in it marked: the word that begins there, or a sign. */
function Place({ selector, at }: { readonly selector: string; readonly at: number }) {
  const before = selector.slice(0, at - 1);
  const [wrong = ' '] = /^[\w.-]+|^./.exec(selector.slice(at - 1)) ?? [];
  return (
    <p class="selector-place mono">
      {before}
      <mark>{wrong}</mark>
      {selector.slice(at - 1 + wrong.length)}
    </p>
  );
}

interface GroupChoiceProps {
  readonly selector: string;
  /** @param selector of the group; empty where none is chosen */
  readonly onChoose: (selector: string) => void;
}

/** The groups of the fleet; nothing where there are none. */
export function GroupChoice({ selector, onChoose }: GroupChoiceProps) {
  const { api } = useDashboard();
  const { value } = useResource(() => api.get<Groups>('/groups'), { when: () => false });
  const items = value.value?.items ?? [];
  if (items.length === 0) return null;
  const chosen = items.find(({ name }) => selectorOf(name) === selector)?.name ?? '';
  return (
    <select
      class="group-choice"
      aria-label="Group"
      value={chosen}
      onChange={({ currentTarget: { value: name } }) => {
        onChoose(name === '' ? '' : selectorOf(name));
      }}
    >
      <option value="">Any group</option>
      {items.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

const selectorOf = (group: string): string => `group="${group}"`;
