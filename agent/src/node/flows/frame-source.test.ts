import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ffmpegPids, hasFfmpeg, makeWithFfmpeg } from '../../../../test/support/ffmpeg.ts';
import { freePort } from '../../../../test/support/ports.ts';
import { createFlowBed, type FlowBed, untilFlow } from '../../testing/flow-bed.ts';

describe.skipIf(!hasFfmpeg())('frames by ffmpeg', () => {
  let bed: FlowBed;

  beforeAll(async () => {
    bed = await createFlowBed();
    const picture = 'testsrc2=size=64x48:rate=25:duration=0.8';
    await makeWithFfmpeg('-f', 'lavfi', '-i', picture, join(bed.folder, 'clip.mp4'));
  });
  afterAll(() => bed.close());

  const flow = (source: string, more = '') =>
    `flows: [{ name: cam, model: parts, source: ${source}, sinks: [{ jsonl: out.jsonl, flush: 10ms }]${more} }]`;

  test('every frame of a file is inferred on, and the flow ends with it', async () => {
    const flows = await bed.start(flow('{ video: clip.mp4, realtime: false }'));
    const status = await untilFlow(flows, ({ state }) => state === 'ended');
    expect(status).toMatchObject({ items: 20, inferred: 20, dropped: 0, failed: 0, restarts: 0 });
    await flows.stop();
    const records = await bed.records('out.jsonl');
    expect(records).toHaveLength(20);
    expect(records[0]).toMatchObject({ flow: 'cam', model: { name: 'parts', version: 1 } });
    expect(records[0]?.prediction).toMatchObject({ kind: 'classification' });
    expect(new Set(records.map(({ id }) => id)).size).toBe(20);
  });

  test('a camera whose ffmpeg is killed is opened again, and ends with its flow', async () => {
    const flows = await bed.start(flow('{ camera: test, size: 66x50, fps: 20 }'));
    await untilFlow(flows, ({ inferred }) => inferred > 3);
    const [pid = 0] = await ffmpegPids('size=66x50');
    process.kill(pid, 'SIGKILL');
    const broken = await untilFlow(flows, ({ restarts }) => restarts === 1);
    expect(broken.error).toContain('ffmpeg ended by SIGKILL');
    await untilFlow(flows, ({ state, items }) => state === 'running' && items > broken.items + 3);
    await flows.stop();
    expect(await ffmpegPids('size=66x50')).toEqual([]);
  });

  test('what does not exist is told, and tried again', async () => {
    const flows = await bed.start(flow('{ video: nowhere.mp4 }'));
    const { error, state } = await untilFlow(flows, ({ restarts }) => restarts > 1);
    expect(state).toBe('restarting');
    expect(error).toContain('nowhere.mp4: No such file or directory');
    await flows.stop();
  });

  test('a playlist is no video, and opens no other file', async () => {
    await makeWithFfmpeg(
      ...['-i', join(bed.folder, 'clip.mp4'), '-f', 'hls', join(bed.folder, 'list.m3u8')],
    );
    const flows = await bed.start(flow('{ video: list.m3u8 }'));
    const { error, items } = await untilFlow(flows, ({ restarts }) => restarts > 0);
    expect({ error, items }).toEqual({
      error: expect.stringContaining('not on whitelist'),
      items: 0,
    });
    await flows.stop();
  });

  test('a stream whose sender is gone is opened again when there is another', async () => {
    const port = await freePort();
    const address = `tcp://127.0.0.1:${port}`;
    const send = () => {
      const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25'];
      const words = [...picture, '-g', '5', '-f', 'nut', `${address}?listen=1`];
      return spawn('ffmpeg', ['-nostdin', '-loglevel', 'quiet', ...words], { stdio: 'ignore' });
    };
    const first = send();
    const flows = await bed.start(flow(`{ video: "${address}" }`));
    const before = await untilFlow(flows, ({ inferred }) => inferred > 2);
    first.kill('SIGKILL');
    await untilFlow(flows, ({ restarts }) => restarts > before.restarts);
    const second = send();
    await untilFlow(flows, ({ items, state }) => state === 'running' && items > before.items + 20);
    await flows.stop();
    second.kill('SIGKILL');
  });

  test('a stream that goes silent is opened again, and its password is never shown', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'video/mp4' }).flushHeaders();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://user:hunter2@127.0.0.1:${port}/live?key=hunter2`;
    const flows = await bed.start(flow(`{ video: "${url}", timeout: 400ms }`));
    const status = await untilFlow(flows, ({ restarts }) => restarts > 0);
    expect(status).toMatchObject({ source: `video http://127.0.0.1:${port}/live` });
    expect(status.error).toContain('nothing came for 0.4 s');
    await flows.stop();
    server.closeAllConnections();
    server.close();
    const refused = await bed.start(flow(`{ video: "${url}" }`));
    const { error } = await untilFlow(refused, ({ restarts }) => restarts > 0);
    expect(error).toContain('Connection refused');
    await refused.stop();
    expect(bed.log.join('\n')).not.toContain('hunter2');
  });
});
