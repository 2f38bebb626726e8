import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

interface FoldProps {
  readonly class: string;
  readonly summary: ComponentChildren;
  /** Whether it is unfolded at first. */
  readonly open?: boolean;
  /** Drawn while it is unfolded only: hundreds of folded pictures cost nothing. */
  readonly children: () => ComponentChildren;
}

/** Something that a person unfolds; it stays as they left it when what is in it changes. */
export function Fold({ class: name, summary, open = false, children }: FoldProps) {
  const unfolded = useSignal(open);
  return (
    <details
      class={name}
      open={unfolded.value}
      onToggle={(event) => {
        unfolded.value = event.currentTarget.open;
      }}
    >
      <summary>{summary}</summary>
      {unfolded.value && children()}
    </details>
  );
}
