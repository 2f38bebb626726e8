import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { Bed } from './bed.ts';
import type { Memory } from './packaged.ts';
import { imageRequest, tensorRequest } from './socket-client.ts';
import { median } from './statistics.ts';

export interface Footprint {
  readonly idle: Memory;
  readonly images: Memory;
  /** From the start of the process to the first answer: median, ms. */
  readonly startMs: number;
  /** Of one core. */
  readonly idleCpuPercent: number;
  /** With one inference in each window of telemetry, scaled to an hour. */
  readonly writtenMbPerHour: number;
}

export interface Lengths {
  readonly starts: number;
  readonly settleMs: number;
  /** Windows of telemetry to look idly at, after the first of the start. */
  readonly windows: number;
  readonly images: number;
}

/** What the packed agent takes of a device, connected, with one small model. */
export async function measureFootprint(bed: Bed, lengths: Lengths): Promise<Footprint> {
  const starts: number[] = [];
  for (let i = 0; i < lengths.starts; i++) {
    const agent = await bed.start();
    starts.push(agent.readyMs + (await agent.client.infer(tensorRequest())));
    await agent.stop();
  }
  const agent = await bed.start();
  try {
    await agent.client.infer(tensorRequest());
    await sleep(lengths.settleMs);
    const idle = await agent.memory();
    // the first record of a start begins a file of its own, which the later ones share
    await nextWindow();
    const [cpuMs, written] = [await agent.cpuMs(), await agent.writtenBytes()];
    const beganMs = performance.now();
    for (let i = 0; i < lengths.windows; i++) {
      await agent.client.infer(tensorRequest());
      await nextWindow();
    }
    const idleMs = performance.now() - beganMs;
    const idleCpuMs = (await agent.cpuMs()) - cpuMs;
    const writtenBytes = (await agent.writtenBytes()) - written;
    const image = imageRequest(await photo());
    for (let i = 0; i < lengths.images; i++) await agent.client.infer(image);
    return {
      idle,
      images: await agent.memory(),
      startMs: median(starts),
      idleCpuPercent: (100 * idleCpuMs) / idleMs,
      writtenMbPerHour: (writtenBytes / 1e6) * (3_600_000 / idleMs),
    };
  } finally {
    await agent.stop();
  }
}

/** Windows begin on UTC multiples of their length; one that ended is stored soon after. */
const WINDOW_MS = 60_000;
const STORED_MS = 3_000;

async function nextWindow(): Promise<void> {
  await sleep(WINDOW_MS - (Date.now() % WINDOW_MS) + STORED_MS);
}

/** A JPEG as a camera gives it, 640 × 480, with noise to decode. */
function photo(): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 120, sigma: 40 };
  return sharp({ create: { width: 640, height: 480, channels: 3, background: 'gray', noise } })
    .jpeg()
    .toBuffer();
}
