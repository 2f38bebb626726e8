import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Dashboard } from '../app/dashboard.ts';
import { createRefresher } from '../app/refresher.ts';

/** The devices that a selector names, kept up to date while it is set. */
export interface Selection {
  /** Empty: every device. */
  readonly selector: Signal<string>;
  /** Undefined where no selector is set, or none has been answered yet. */
  readonly devices: ReadonlySignal<ReadonlySet<string> | undefined>;
  /** Why nothing is selected: what is wrong in the selector, or why it matches no device. */
  readonly note: ReadonlySignal<string>;
  /** Character of the selector that is wrong, from 1; 0 where none is. */
  readonly wrongAt: ReadonlySignal<number>;
  close(): void;
}

interface Answer {
  readonly devices: readonly string[];
  readonly note: string;
}

/** The server goes through the whole fleet for each answer. */
const INTERVAL_MS = 2000;

export function openSelection({ api, onChange }: Pick<Dashboard, 'api' | 'onChange'>): Selection {
  const selector = signal('');
  const devices = signal<ReadonlySet<string> | undefined>(undefined);
  const note = signal('');
  const wrongAt = signal(0);

  /** @returns whether an answer came */
  async function load(): Promise<boolean> {
    const asked = selector.value;
    if (asked === '') return true;
    const path = `/devices/selection?selector=${encodeURIComponent(asked)}`;
    const answer = await api.get<Answer>(path);
    if (asked !== selector.value) return answer.ok;
    note.value = answer.ok ? answer.value.note : answer.detail;
    wrongAt.value = answer.ok ? 0 : (answer.at ?? 0);
    if (answer.ok) devices.value = new Set(answer.value.devices);
    else if (answer.status === 400) devices.value = new Set();
    return answer.ok;
  }

  const refresher = createRefresher(load, INTERVAL_MS);
  const unwatch = selector.subscribe((text) => {
    devices.value = undefined;
    note.value = '';
    wrongAt.value = 0;
    if (text !== '') refresher.request();
  });
  const stop = onChange(({ topic }) => {
    if (selector.value !== '' && (topic === 'device' || topic === 'reset')) refresher.request();
  });
  return {
    selector,
    devices,
    note,
    wrongAt,
    close() {
      unwatch();
      stop();
      refresher.stop();
    },
  };
}
