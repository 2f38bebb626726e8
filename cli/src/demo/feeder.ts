import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from './images.ts';
import { type Answer, infer } from './infer.ts';

/** The camera over one device's belt: it shows the device a frame and notes the answer. */
export interface Feeder {
  readonly device: string;
  readonly shown: number;
  readonly right: number;
  /** What the device last said instead of an answer. */
  readonly refusal: string | undefined;
  readonly last: (Answer & { readonly truth: string }) | undefined;
  show(frames: readonly Frame[]): void;
  /** Counts start anew, for instance when another version runs. */
  recount(): void;
  stop(): Promise<void>;
}

export interface FeederOptions {
  readonly device: string;
  readonly url: string;
  readonly slot: string;
  readonly framesPerSecond: number;
  readonly frames: readonly Frame[];
  /** Where in the frames this camera begins, so that devices do not see the same at once. */
  readonly offset: number;
}

export function startFeeder(options: FeederOptions): Feeder {
  const stopping = new AbortController();
  const seen = {
    shown: 0,
    right: 0,
    refusal: undefined as string | undefined,
    last: undefined as Feeder['last'],
  };
  let frames = options.frames;
  const pause = 1000 / options.framesPerSecond;

  const showOne = async (index: number): Promise<void> => {
    const frame = frames[(index + options.offset) % frames.length];
    if (frame === undefined) return;
    try {
      const answer = await infer(options.url, options.slot, frame.bytes, stopping.signal);
      seen.shown++;
      if (answer.label === frame.label) seen.right++;
      seen.last = { ...answer, truth: frame.label };
    } catch (error) {
      // A device that stops, or swaps its model, may leave a frame without an answer.
      seen.refusal = error instanceof Error ? error.message : String(error);
    }
  };

  const loop = async (): Promise<void> => {
    for (let index = 0; !stopping.signal.aborted; index++) {
      const began = performance.now();
      await showOne(index);
      const rest = pause - (performance.now() - began);
      if (rest > 0)
        await sleep(rest, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();

  return {
    device: options.device,
    get shown() {
      return seen.shown;
    },
    get right() {
      return seen.right;
    },
    get refusal() {
      return seen.refusal;
    },
    get last() {
      return seen.last;
    },
    show: (next) => {
      frames = next;
    },
    recount: () => {
      seen.shown = 0;
      seen.right = 0;
      seen.refusal = undefined;
    },
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}
