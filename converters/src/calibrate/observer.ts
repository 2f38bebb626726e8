import type { Session, Tensors } from '@flotilla/model';
import { tensorError } from '@flotilla/model/threads';
import { freeTensors } from '../free.ts';
import { addValues, createHistogram, type Histogram } from './histogram.ts';
import type { Tap } from './taps.ts';

/** Runs samples through a tapped model and keeps what is seen; constant in size. */
export interface Observer {
  /**
   * @returns least and greatest element of each tap's value, in turns
   * @throws FlotillaError `tensor.invalid` naming the value that is NaN, or the input that does not fit
   */
  observe(feeds: Tensors): Promise<Float32Array>;
  /** In the order of the taps; of no use for values that were infinite. */
  histograms(): Promise<readonly Histogram[]>;
  dispose(): Promise<void>;
}

/** @param session of the tapped model; the observer disposes of it */
export function openObserver(session: Session, taps: readonly Tap[]): Observer {
  const histograms = taps.map(createHistogram);
  return {
    async observe(feeds) {
      const outputs = await session.run(feeds);
      const extremes = new Float32Array(2 * taps.length);
      taps.forEach((tap, i) => {
        const [min, max] = extremesOf(tap, outputs);
        extremes.set([min, max], 2 * i);
        const magnitude = Math.max(Math.abs(min), Math.abs(max));
        const data = tap.whole === undefined ? undefined : outputs[tap.whole]?.data;
        if (!(data instanceof Float32Array) || magnitude === Number.POSITIVE_INFINITY) return;
        if (!addValues(histograms[i]!, data, magnitude)) throw notANumber(tap.value);
      });
      freeTensors(outputs);
      return extremes;
    },
    histograms: async () => histograms,
    dispose: () => session.dispose(),
  };
}

function extremesOf({ value, min, max, sum }: Tap, outputs: Tensors): [number, number] {
  const scalar = (name: string): number => Number(outputs[name]?.data[0] ?? Number.NaN);
  const [least, greatest] = [min === undefined ? 0 : scalar(min), scalar(max)];
  const total = sum === undefined ? 0 : scalar(sum);
  // The sum of infinities of both signs is NaN too, but those show in the extremes.
  const finite = Number.isFinite(least) && Number.isFinite(greatest);
  if (Number.isNaN(least) || Number.isNaN(greatest)) throw notANumber(value);
  if (finite && Number.isNaN(total)) throw notANumber(value);
  return [least, greatest];
}

function notANumber(value: string) {
  return tensorError(value, 'holds NaN');
}
