/** A camera that is faster than its model, for a few seconds; `npm run bench:camera` takes ten minutes. */
import { expect, test } from 'vitest';
import { runAgentCommand, startAgentProcess } from '../../agent/src/testing/agent-process.ts';
import { measureCamera } from '../bench/camera/measure.ts';
import { hasFfmpeg } from '../support/ffmpeg.ts';

const agent = { run: runAgentCommand, start: startAgentProcess };

test.skipIf(!hasFfmpeg())(
  'a slow model is served the latest frame, and drops are counted',
  async () => {
    const figures = await measureCamera(
      { agent, seconds: 5, warmUpSeconds: 1, fps: 30, modelMs: 100, size: '320x240' },
      () => undefined,
    );
    const { frames, inferred, dropped } = figures;
    expect(inferred).toBeGreaterThan(5);
    expect(dropped).toBeGreaterThan(inferred);
    // one may wait, one may be looked at
    expect(frames - inferred - dropped).toBeLessThanOrEqual(2);
    expect(figures.ageMsP50).toBeLessThan(1000 / 30);
    // frames of 5 s that nobody dropped would be 35 MB
    expect(figures.rssMbMax - figures.rssMbStart).toBeLessThan(35);
  },
);
