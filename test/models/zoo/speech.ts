import { readFile } from 'node:fs/promises';
import { decodeWav, type Session, type Tensor } from '@flotilla/model';
import { fp32 } from './datasets.ts';
import type { Sample } from './subject.ts';

/** Samples of one frame at 16 kHz, and those before it that the model sees again. */
const FRAME = 512;
const CONTEXT = 64;
const STATE = [2, 1, 128];
const SAMPLE_RATE = 16_000;

/**
 * Frames of speech for the voice activity detector. Each frame comes with the state that the float
 * model had left, so that a sample can be judged alone.
 */
export async function speechSamples(file: string, vad: Session, most: number): Promise<Sample[]> {
  const clip = decodeWav(await readFile(file), file);
  const frames = Math.min(most, Math.floor(clip.samples.length / FRAME));
  const rate: Tensor = { type: 'INT64', shape: [], data: BigInt64Array.of(BigInt(SAMPLE_RATE)) };
  const samples: Sample[] = [];
  let state = fp32(STATE, new Float32Array(256));
  for (let frame = 0; frame < frames; frame++) {
    const sound = new Float32Array(CONTEXT + FRAME);
    const start = frame * FRAME - CONTEXT;
    sound.set(clip.samples.subarray(Math.max(0, start), start + sound.length), Math.max(0, -start));
    const tensors = { input: fp32([1, CONTEXT + FRAME], sound), state, sr: rate };
    samples.push({ tensors });
    state = (await vad.run(tensors)).stateN ?? state;
  }
  return samples;
}
