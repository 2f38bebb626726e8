import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** How wide an element is, in CSS pixels, as it changes; charts draw their text in true size. */
export function useWidth<E extends Element>(
  first: number,
): {
  ref: RefObject<E | null>;
  width: Signal<number>;
} {
  const ref = useRef<E | null>(null);
  const width = useSignal(first);
  useEffect(() => {
    if (ref.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) width.value = Math.round(entry.contentRect.width);
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [width]);
  return { ref, width };
}
