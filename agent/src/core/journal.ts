import { FlotillaError, trustRoot } from '@flotilla/protocol';
import { Value } from 'typebox/value';
import { createQueue, replaceFile } from './durable.ts';
import type { Storage } from './ports.ts';
import { emptyState, JOURNAL_FORMAT, JournalState, mutable, pairOf, samePair } from './state.ts';

const FILE = 'journal.json';

/** Endings kept beside those that the desired state names, so that `sync` can repeat them. */
const KEPT_ENDINGS = 32;

export interface Journal {
  readonly state: Readonly<JournalState>;
  /** Applies a change to a copy; it holds, in memory too, only once it is on the medium. */
  update(change: (draft: JournalState) => void): Promise<void>;
}

/**
 * Opens the journal, or begins one that trusts the pinned root.
 *
 * @param root the pinned `root.json`, as text; used for a new journal, and for one of a device that
 *   was in no fleet; empty without one
 * @throws FlotillaError `agent.data-newer`, `agent.data-corrupt`
 */
export async function openJournal(storage: Storage, root: string): Promise<Journal> {
  const bytes = await storage.read(FILE);
  let state = bytes === undefined ? emptyState(root) : withRoot(parseState(bytes), root);
  const queue = createQueue();
  return {
    get state() {
      return state;
    },
    update: (change) =>
      queue(async () => {
        const draft = structuredClone(state);
        change(draft);
        draft.attempts = prune(draft);
        await replaceFile(storage, FILE, new TextEncoder().encode(JSON.stringify(draft)));
        state = draft;
      }),
  };
}

/** A device that served what was loaded by hand joins its first fleet. */
const withRoot = (state: JournalState, root: string): JournalState =>
  state.trusted.root === '' ? { ...state, trusted: mutable(trustRoot(root)) } : state;

function parseState(bytes: Uint8Array): JournalState {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new FlotillaError('agent.data-corrupt', { file: FILE, reason: 'not JSON' }, { cause });
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > JOURNAL_FORMAT) {
    throw new FlotillaError('agent.data-newer', { file: FILE, format, known: JOURNAL_FORMAT });
  }
  if (Value.Check(JournalState, value)) return value;
  const [first] = Value.Errors(JournalState, value);
  const reason = `${first?.instancePath ?? ''} ${first?.message ?? 'unreadable'}`.trim();
  throw new FlotillaError('agent.data-corrupt', { file: FILE, reason });
}

/** Running attempts, those that the desired state names, those not yet reported, and the latest. */
function prune(state: JournalState): JournalState['attempts'] {
  const named = state.wanted.slots.flatMap(({ active, shadow }) =>
    [active, shadow].filter((deployment) => deployment !== undefined),
  );
  const held = [state.holds, state.loading].flatMap((holds) => Object.values(holds ?? {}));
  named.push(...held.map(({ deployment }) => deployment));
  const beside = Object.values(state.shadows ?? {}).map(({ installed }) => pairOf(installed));
  const spare = state.attempts.length - KEPT_ENDINGS;
  return state.attempts.filter(
    (attempt, index) =>
      index >= spare ||
      attempt.ending === undefined ||
      !attempt.reported ||
      [...named, ...beside].some((pair) => samePair(pair, attempt.deployment)),
  );
}
