import { printable } from '../ui/printable.ts';

/** An answer of the server with every text fit for a terminal: names come from devices. */
export function clean<T>(answer: T): T {
  const text = JSON.stringify(answer);
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? printable(value).replaceAll('\n', ' ') : value,
  ) as T;
}
