/** How the measurement of one variant on one device stands. */
export const LAB_ORDER_STATES = [
  'pending',
  'sent',
  'measured',
  'failed',
  'expired',
  'withdrawn',
  'unsuitable',
] as const;
export type LabOrderState = (typeof LAB_ORDER_STATES)[number];

export const LAB_RUN_STATES = ['running', 'done', 'aborted'] as const;
export type LabRunState = (typeof LAB_RUN_STATES)[number];

/** What the planner needs to know; times are the server's wall-clock milliseconds. */
export interface LabOrder {
  readonly device: string;
  readonly digest: string;
  /** Its turn on the device, 0 first. */
  readonly position: number;
  readonly state: LabOrderState;
  /** The failure may pass: the same attempt again could succeed. */
  readonly retryable: boolean;
  readonly attempt: number;
  readonly sentMs: number;
  readonly endedMs: number;
}

export type LabAction =
  | { readonly kind: 'send' | 'retry' | 'expire'; readonly device: string; readonly digest: string }
  | { readonly kind: 'finish' };

export const MAX_ATTEMPTS = 3;
/** Pause before a second attempt; doubles with each further one. */
const RETRY_MS = 2000;

/**
 * What a lab run does next: one variant at a time on each device, all devices at once. A device that
 * does not answer in time loses its turn and holds up no other. Pure.
 */
export function planLab(
  { state, timeoutMs }: { readonly state: LabRunState; readonly timeoutMs: number },
  orders: readonly LabOrder[],
  now: number,
): LabAction[] {
  if (state !== 'running') return [];
  const devices = Map.groupBy(orders, ({ device }) => device);
  const open = [...devices.values()].filter((some) => some.some(isOpen));
  if (open.length === 0) return [{ kind: 'finish' }];
  return open.flatMap((some) => planDevice(some, timeoutMs, now));
}

function planDevice(orders: readonly LabOrder[], timeoutMs: number, now: number): LabAction[] {
  const [current] = orders.filter(isOpen).sort((a, b) => a.position - b.position);
  if (current === undefined) return [];
  const { device, digest, state, attempt, sentMs, endedMs } = current;
  if (state === 'pending') return [{ kind: 'send', device, digest }];
  if (state === 'failed') {
    const due = now >= endedMs + RETRY_MS * 2 ** (attempt - 1);
    return due ? [{ kind: 'retry', device, digest }] : [];
  }
  return now >= sentMs + timeoutMs ? [{ kind: 'expire', device, digest }] : [];
}

const isOpen = (order: LabOrder): boolean =>
  order.state === 'pending' || order.state === 'sent' || willRetry(order);

const willRetry = ({ state, retryable, attempt }: LabOrder): boolean =>
  state === 'failed' && retryable && attempt < MAX_ATTEMPTS;
