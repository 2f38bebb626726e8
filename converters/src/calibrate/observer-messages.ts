import type { Tensors } from '@flotilla/model';
import type { PlainError } from '@flotilla/model/threads';
import type { Histogram } from './histogram.ts';
import type { Tap } from './taps.ts';

/** What an observer's thread is started with. */
export interface ObserverData {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly taps: readonly Tap[];
}

export type ToObserver =
  | { readonly kind: 'observe'; readonly feeds: Tensors }
  | { readonly kind: 'histograms' }
  | { readonly kind: 'dispose' };

/** Answers come in the order of the questions; the first, to none, says that the model is loaded. */
export type FromObserver =
  | { readonly kind: 'ready' }
  | { readonly kind: 'observed'; readonly extremes: Float32Array }
  | { readonly kind: 'histograms'; readonly histograms: readonly Histogram[] }
  | { readonly kind: 'failed'; readonly error: PlainError };
