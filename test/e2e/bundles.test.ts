/** What bundling does to modules of Node, seen from within a bundle. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleForNode } from '../../scripts/bundle-for-node.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-bundles-'));
  await bundleForNode(new Map([['http-get', 'agent/src/node/http-get.ts']]), folder, {
    lean: true,
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
});
afterAll(() => rm(folder, { recursive: true }));

test('a bundle speaks HTTP and HTTPS, and loads neither fetch nor, before it is needed, TLS', async () => {
  const server = createServer((_request, response) => response.end('x'));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const script = `
    import { httpGet } from './http-get.js';
    const signal = AbortSignal.timeout(5000);
    const get = (url) => httpGet(url, { headers: {}, signal }).then(
      (response) => { response.resume(); return response.statusCode; },
      (error) => error.code ?? error.message);
    const loaded = (what) => process.moduleLoadList.some((name) => name.endsWith(what));
    const plain = await get('http://127.0.0.1:${port}/');
    const before = [loaded('undici'), loaded(' https')];
    // a server that does not speak TLS is enough to see that the client does
    const secure = await get('https://127.0.0.1:${port}/');
    console.log(JSON.stringify({ plain, before, secure, after: loaded(' https') }));
    process.exit();`;
  await writeFile(join(folder, 'script.js'), script);
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'script.js')]);
  server.closeAllConnections();
  server.close();
  expect(JSON.parse(stdout)).toEqual({
    plain: 200,
    before: [false, false],
    secure: 'EPROTO',
    after: true,
  });
});
