import type { Tensors } from '@flotilla/model';

/**
 * Gives the memory of bytes back at once: garbage collection would let many samples' worth pile up.
 * A view of a part of a buffer is left alone, since others may look at the rest.
 */
export function free({ buffer, byteLength }: NodeJS.TypedArray): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.detached) return;
  if (byteLength === buffer.byteLength) buffer.transfer(0);
}

export function freeTensors(tensors: Tensors): void {
  for (const { data } of Object.values(tensors)) free(data);
}
