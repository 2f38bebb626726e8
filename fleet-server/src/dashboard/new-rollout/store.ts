import { newId } from '@flotilla/protocol';
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Static } from 'typebox';
import type { RolloutDraftAnswer } from '../../http/schemas-rollouts.ts';
import type { Refusal } from '../app/api.ts';
import type { Dashboard } from '../app/dashboard.ts';
import { createRefresher } from '../app/refresher.ts';
import { commandOf } from './command.ts';
import { EMPTY_FORM, type Form } from './form.ts';
import { type Asked, type Faults, requestOf } from './request.ts';

export type Draft = Static<typeof RolloutDraftAnswer>;

/** A form and what the server makes of it while it is filled in. */
export interface NewRollout {
  readonly form: Signal<Form>;
  readonly asked: ReadonlySignal<Asked>;
  /** What it would do; it stays while the next is awaited, and goes where the server refuses. */
  readonly draft: ReadonlySignal<Draft | undefined>;
  /** The draft is of an earlier form. */
  readonly stale: ReadonlySignal<boolean>;
  /** What is wrong, by the field of the request; under an empty name what is of no field. */
  readonly wrong: ReadonlySignal<Faults>;
  /** The command line of the same, option by option; empty while there is nothing to ask for. */
  readonly command: ReadonlySignal<readonly string[]>;
  /** It is being made. */
  readonly busy: ReadonlySignal<boolean>;
  change(part: Partial<Form>): void;
  /** @returns the id of the rollout; undefined where it was refused */
  create(): Promise<string | undefined>;
  close(): void;
}

/** A person who types is waited for. */
const PAUSE_MS = 350;
/** The server goes through the whole fleet for each answer. */
const INTERVAL_MS = 500;
/** A server that does not answer is asked again. */
const RETRY_MS = 3000;

export function openNewRollout({
  api,
  session,
  now,
}: Pick<Dashboard, 'api' | 'session' | 'now'>): NewRollout {
  const form = signal(EMPTY_FORM);
  const draft = signal<Draft | undefined>(undefined);
  const refusal = signal<Refusal | undefined>(undefined);
  /** The request that draft or refusal are the answer to. */
  const answered = signal('');
  const busy = signal(false);
  const asked = computed(() => requestOf(form.value, now.peek()));
  const text = computed(() => JSON.stringify(asked.value.request ?? ''));

  let timer: ReturnType<typeof setTimeout> | undefined;
  const refresher = createRefresher(async () => {
    const [{ request }, body] = [asked.value, text.value];
    const path = '/rollouts?dryRun=true';
    const answer = request && (await api.post<Draft>(path, request));
    const lost = answer?.ok === false && answer.status === 0;
    if (body !== text.value) return !lost;
    if (lost) {
      timer = setTimeout(refresher.request, RETRY_MS);
      return false;
    }
    draft.value = answer?.ok ? answer.value : undefined;
    refusal.value = answer?.ok === false ? answer : undefined;
    answered.value = body;
    return true;
  }, INTERVAL_MS);

  /** What was sent last to be made: where its answer was lost, it is sent again under its key. */
  let sent = { body: '', key: '' };
  const unwatch = effect(() => {
    const body = text.value;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (body !== answered.peek()) refresher.request();
    }, PAUSE_MS);
  });

  return {
    ...{ form, asked, draft, busy },
    stale: computed(() => text.value !== answered.value),
    wrong: computed(() => ({
      // of a field that was changed since, nothing is known until the next answer
      ...(text.value === answered.value && placed(refusal.value)),
      ...asked.value.faults,
    })),
    command: computed(() => {
      const { request } = asked.value;
      return request === undefined ? [] : commandOf(request, session.fleet);
    }),
    change(part) {
      form.value = { ...form.value, ...part };
    },
    async create() {
      const [{ request }, body] = [asked.value, text.value];
      if (request === undefined || busy.value) return undefined;
      busy.value = true;
      if (sent.body !== body) sent = { body, key: newId() };
      const answer = await api.post<Draft>('/rollouts', request, sent.key);
      busy.value = false;
      if (answer.ok) return answer.value.id;
      refusal.value = answer;
      answered.value = body;
      return undefined;
    },
    close() {
      unwatch();
      clearTimeout(timer);
      refresher.stop();
    },
  };
}

/** What is about devices or a version by its nature, whatever the field. */
const BY_CODE: Readonly<Record<string, string>> = {
  'selector.invalid': 'devices',
  'rollout.overlap': 'devices',
  'lab.busy': 'devices',
  'server.not-found': 'version',
};

function placed(refusal: Refusal | undefined): Faults {
  if (refusal === undefined) return {};
  const { field = '', code = '', detail } = refusal;
  return { [field || (BY_CODE[code] ?? '')]: detail };
}
