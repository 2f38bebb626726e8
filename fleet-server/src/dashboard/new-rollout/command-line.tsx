import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { NewRollout } from './store.ts';

/** The command that does the same, to be copied. */
export function CommandLine({ store: { command } }: { readonly store: NewRollout }) {
  const text = useRef<HTMLPreElement>(null);
  const copied = useSignal('');
  const line = command.value.join(' ');
  if (line === '') return null;
  const copy = async () => {
    if (await take(line, text.current)) copied.value = line;
  };
  return (
    <section class="card" aria-labelledby="command-title">
      <h2 id="command-title">The same on the command line</h2>
      <pre ref={text} class="command wrapped" data-testid="command">
        {command.value.map((part, at) => (
          <span key={at}>
            {at > 0 && ' '}
            <span class="whole">{part}</span>
          </span>
        ))}
      </pre>
      <div class="actions end">
        <button class="button" type="button" onClick={() => void copy()}>
          {copied.value === line ? 'Copied' : 'Copy'}
        </button>
      </div>
    </section>
  );
}

/** Copies a text; a page over plain HTTP has no clipboard, where it is selected for a person to copy. */
async function take(text: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown !== null) getSelection()?.selectAllChildren(shown);
    return false;
  }
}
