import { access, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFlowBed, type FlowBed, untilFlow } from '../../testing/flow-bed.ts';
import { grayImage } from '../../testing/parts-bundle.ts';

let bed: FlowBed;
let image: Buffer;
let inbox: string;
let number = 0;

beforeAll(async () => {
  bed = await createFlowBed();
  image = await grayImage(100);
});
afterAll(() => bed.close());
beforeEach(async () => {
  inbox = join(bed.folder, `in${++number}`);
  await mkdir(inbox);
});

const flow = (source: string) =>
  `flows: [{ name: f${number}, model: parts, source: ${source}, sinks: [{ jsonl: out${number}.jsonl, flush: 10ms }] }]`;
const start = (more = '') => bed.start(flow(`{ folder: in${number}, settle: 60ms${more} }`));
const records = () => bed.records(`out${number}.jsonl`);

describe('a watched folder', () => {
  test('takes what is there and what comes, and moves it', async () => {
    await writeFile(join(inbox, 'a.png'), image);
    const flows = await start();
    await untilFlow(flows, ({ inferred }) => inferred === 1);
    await writeFile(join(inbox, 'half.part'), image);
    await rename(join(inbox, 'half.part'), join(inbox, 'b.png'));
    await writeFile(join(inbox, 'broken.png'), 'no image');
    const status = await untilFlow(flows, ({ inferred, failed }) => inferred + failed === 3);
    expect(status.error).toContain('broken.png');
    await flows.stop();
    expect((await records()).map(({ source }) => source)).toEqual(['a.png', 'b.png']);
    expect(await readdir(join(inbox, 'done'))).toEqual(['a.png', 'b.png']);
    expect(await readdir(join(inbox, 'failed'))).toEqual(['broken.png']);
  });

  test('waits until a file is complete', async () => {
    const flows = await start();
    const path = join(inbox, 'slow.png');
    const half = image.length >> 1;
    await writeFile(path, image.subarray(0, half));
    for (let at = half; at < image.length; at += 40) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await writeFile(path, image.subarray(at, at + 40), { flag: 'a' });
    }
    const { failed } = await untilFlow(flows, ({ inferred }) => inferred === 1);
    expect(failed).toBe(0);
    await flows.stop();
  });

  test('leaves alone what is no file of its own, whatever it is called', async () => {
    await symlink('/etc/passwd', join(inbox, 'link.png'));
    await mkdir(join(inbox, 'folder.png'));
    await writeFile(join(inbox, '.hidden.png'), image);
    await writeFile(join(inbox, 'a\n"b\u202e.png'), image);
    // a name that is no UTF-8
    await writeFile(Buffer.concat([Buffer.from(`${inbox}/`), Buffer.from([0xff, 0xfe])]), image);
    const flows = await start();
    const { failed } = await untilFlow(flows, ({ inferred }) => inferred === 2);
    expect(failed).toBe(0);
    await flows.stop();
    expect((await records()).map(({ source }) => source).sort()).toEqual([
      'a\n"b\u202e.png',
      '\ufffd\ufffd',
    ]);
    expect(await readdir(inbox)).toEqual(
      expect.arrayContaining(['.hidden.png', 'folder.png', 'link.png']),
    );
    expect(await readdir(join(inbox, 'done'))).toHaveLength(2);
  });

  test('remembers files that stay, over a restart, and takes one that changed', async () => {
    await writeFile(join(inbox, 'a.png'), image);
    const first = await start(', after: keep, extensions: [png]');
    // stopped while the model looks at it
    await untilFlow(first, ({ items }) => items === 1);
    await first.stop();
    expect(first.status().flows[0]).toMatchObject({ inferred: 1, dropped: 0 });
    await writeFile(join(inbox, 'b.png'), image);
    await writeFile(join(inbox, 'notes.txt'), 'nothing');
    const second = await start(', after: keep, extensions: [png]');
    await untilFlow(second, ({ inferred }) => inferred === 1);
    await writeFile(join(inbox, 'a.png'), await grayImage(7));
    await untilFlow(second, ({ inferred }) => inferred === 2);
    await second.stop();
    expect((await records()).map(({ source }) => source)).toEqual(['a.png', 'b.png', 'a.png']);
  });

  test('does not replace a file of the same name that was done before', async () => {
    await mkdir(join(inbox, 'done'));
    await writeFile(join(inbox, 'done', 'a.png'), 'kept');
    await writeFile(join(inbox, 'a.png'), image);
    const flows = await start();
    await untilFlow(flows, ({ inferred }) => inferred === 1);
    await flows.stop();
    expect(await readdir(join(inbox, 'done'))).toEqual(['1-a.png', 'a.png']);
  });

  test('that is not there is told, and taken when it is', async () => {
    const flows = await bed.start(flow(`{ folder: later${number}, settle: 60ms }`));
    const { error } = await untilFlow(flows, ({ restarts }) => restarts > 0);
    expect(error).toContain('ENOENT');
    await mkdir(join(bed.folder, `later${number}`));
    await writeFile(join(bed.folder, `later${number}`, 'a.png'), image);
    await untilFlow(flows, ({ inferred }) => inferred === 1);
    await flows.stop();
  });

  test('deletes where it shall', async () => {
    await writeFile(join(inbox, 'a.png'), image);
    const flows = await start(', after: delete');
    await untilFlow(flows, ({ inferred }) => inferred === 1);
    await flows.stop();
    await expect(access(join(inbox, 'a.png'))).rejects.toThrow();
  });
});
