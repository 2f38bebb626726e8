import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { renderDataset } from '@flotilla/example-parts-inspection';
import { trustRoot, verifyMetadata, webCryptoVerifier } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrollDevice, signLogin, until } from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { makeBundle, push, pushBundles, tarOf } from '../testing/uploads.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../../examples/parts-inspection/versions/1');

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ maxUploadBytes: 8 << 20 });
});
afterAll(() => server.stop());

const builds = () => readdir(join(server.data, 'builds'));
const nothingLeft = async () => expect(await builds()).toEqual([]);

describe('ready bundles', () => {
  it('become variants whose blobs devices of the fleet fetch, whole or in ranges', async () => {
    const [bundle] = await pushBundles(server, 1);
    const version = await server.call('GET', '/models/parts/versions/1');
    expect(version.body).toMatchObject({
      status: 'ready',
      variants: [{ target: 'x86-64', precision: 'int8', digest: bundle?.digest }],
    });
    const login = await signLogin(await enrollDevice(server));
    const headers = { authorization: `Bearer ${login}` };
    const base = `${server.url}/api/1/fleets/default/blobs`;
    const manifest = await (await fetch(`${base}/${bundle?.digest}`, { headers })).json();
    const { digest } = (manifest as { layers: { digest: string }[] }).layers[0]!;
    const whole = await fetch(`${base}/${digest}`, { headers });
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bundle?.model);
    expect(whole.headers.get('etag')).toBe(`"${digest}"`);
    expect(whole.headers.get('cache-control')).toContain('immutable');
    const part = await fetch(`${base}/${digest}`, {
      headers: { ...headers, range: 'bytes=100-199', 'if-range': `"${digest}"` },
    });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe(`bytes 100-199/${bundle?.model.length}`);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bundle?.model.slice(100, 200));
    const beyond = await fetch(`${base}/${digest}`, {
      headers: { ...headers, range: 'bytes=1000000-' },
    });
    expect(beyond.status).toBe(416);
    const known = await fetch(`${base}/${digest}`, {
      headers: { ...headers, 'if-none-match': `"${digest}"` },
    });
    expect(known.status).toBe(304);
    const head = await fetch(`${base}/${digest}`, { method: 'HEAD', headers });
    expect(head.headers.get('content-length')).toBe(String(bundle?.model.length));
    expect((await fetch(`${base}/sha256:${'0'.repeat(64)}`, { headers })).status).toBe(404);
    expect((await fetch(`${base}/${digest}`)).status).toBe(401);
  });

  it('are named by the signed metadata that devices fetch', async () => {
    const bundle = await makeBundle({ model: 'signed' });
    await push(server, 'signed', await tarOf({ [bundle.name]: bundle.bytes }));
    const identity = await enrollDevice(server);
    const file = async (name: string) => {
      const url = `${server.url}/api/1/fleets/default/tuf/${name}.json`;
      const headers = { authorization: `Bearer ${await signLogin(identity)}` };
      return new Uint8Array(await (await fetch(url, { headers })).arrayBuffer());
    };
    const metadata = {
      root: [await file('1.root')],
      timestamp: await file('timestamp'),
      snapshot: await file('snapshot'),
      targets: await file('targets'),
    };
    const trusted = trustRoot(JSON.stringify(identity.root));
    const verdict = await verifyMetadata(trusted, metadata, new Date(), webCryptoVerifier);
    expect(verdict).toMatchObject({ ok: true });
    if (verdict.ok) expect(verdict.targets.get('signed/1/x86-64/int8')?.digest).toBe(bundle.digest);
  });

  it('with one byte changed are refused, and nothing of them stays', async () => {
    const { name, bytes } = await makeBundle({ model: 'damaged' });
    const damaged = Uint8Array.from(bytes);
    damaged[4000] = (damaged[4000] ?? 0) ^ 1;
    const answer = await push(server, 'damaged', await tarOf({ [name]: damaged }));
    expect(answer.status).toBe(422);
    expect(String(answer.body.code)).toMatch(/^bundle\./);
    expect(String(answer.body.detail)).toContain(name);
    expect((await server.call('GET', '/models/damaged/versions')).body.items).toEqual([]);
    await nothingLeft();
  });

  it('keep their number: it is never given twice, and never to another model', async () => {
    const one = await makeBundle({ model: 'numbered', version: 3 });
    const tar = await tarOf({ [one.name]: one.bytes });
    expect((await push(server, 'numbered', tar)).status).toBe(202);
    const again = await push(server, 'numbered', tar);
    expect(again).toMatchObject({ status: 409, body: { code: 'request.conflict' } });
    const other = await push(server, 'other', tar);
    expect(other).toMatchObject({ status: 422, body: { code: 'upload.invalid' } });
    await nothingLeft();
  });
});

describe('an upload', () => {
  it.each([
    ['is no archive', Buffer.from('hello'), 'upload.invalid', /archive/],
    ['is empty', Buffer.alloc(1024), 'upload.invalid', /one model/],
  ])('that %s is refused', async (_, tar, code, detail) => {
    const answer = await push(server, 'bad', tar);
    expect(answer.body.code).toBe(code);
    expect(answer.body.detail).toMatch(detail);
    await nothingLeft();
  });

  it('that is cut off is refused', async () => {
    const tar = await tarOf({ 'model.onnx': 'x'.repeat(5000) });
    const answer = await push(server, 'bad', tar.subarray(0, 3000));
    expect(answer.body.code).toBe('upload.invalid');
    await nothingLeft();
  });

  it('with more bytes than allowed is refused', async () => {
    const answer = await push(server, 'bad', await tarOf({ 'model.onnx': Buffer.alloc(9 << 20) }));
    expect(answer).toMatchObject({ status: 413, body: { code: 'request.too-large' } });
    await nothingLeft();
  });

  it('for an unknown target names those that are known', async () => {
    const answer = await push(
      server,
      'bad',
      await tarOf({ 'model.onnx': 'x' }),
      '?targets=toaster',
    );
    expect(answer.body.code).toBe('target.unknown');
    expect(String(answer.body.detail)).toContain('raspberry-pi-5');
  });
});

describe('a model', () => {
  const ended = (model: string, version: unknown) =>
    until(
      'the build to end',
      async () => {
        const { body } = await server.call('GET', `/models/${model}/versions/${version}`);
        return (body.status as unknown) === 'building' ? undefined : body;
      },
      50_000,
    );

  async function exampleFiles(): Promise<Record<string, Uint8Array>> {
    const images = await mkdtemp(join(tmpdir(), 'flotilla-images-'));
    await renderDataset(images, { perClass: 4, seed: 5 });
    const read = async (folder: string, prefix: string) =>
      Promise.all(
        (await readdir(folder)).map(
          async (name) => [`${prefix}${name}`, await readFile(join(folder, name))] as const,
        ),
      );
    const files = [...(await read(EXAMPLE, '')), ...(await read(images, 'calibration/'))];
    await rm(images, { recursive: true });
    return Object.fromEntries(files);
  }

  it('is built into signed variants while its version says how far it is', async () => {
    const tar = await tarOf(await exampleFiles());
    const pushed = await push(server, 'parts', tar, '?targets=x86-64&precisions=fp32');
    expect(pushed.status).toBe(202);
    expect(await ended('parts', pushed.body.version)).toMatchObject({
      status: 'ready',
      build: { status: 'succeeded' },
      variants: [{ target: 'x86-64', precision: 'fp32', report: { accuracy: { lost: 0 } } }],
    });
    await until('the upload to be gone', async () => (await builds()).length === 0);
  });

  it('that is none fails its build with one line, and its number is spent', async () => {
    const files = { ...(await exampleFiles()), 'model.onnx': 'not a model' };
    const pushed = await push(server, 'broken', await tarOf(files));
    expect(pushed.body.version).toBe(1);
    const failed = await ended('broken', 1);
    expect(failed.build).toMatchObject({ status: 'failed', errorCode: 'model.not-onnx' });
    expect(String(failed.build?.error)).not.toContain('\n');
    const next = await push(server, 'broken', await tarOf({ 'model.onnx': 'still none' }));
    expect(next.body.version).toBe(2);
  });

  it('that was being built when the server stopped is built after it starts again', async () => {
    const tar = await tarOf({ ...(await exampleFiles()) });
    const pushed = await push(server, 'parts', tar, '?targets=x86-64&precisions=fp32');
    await server.restart();
    expect(await ended('parts', pushed.body.version)).toMatchObject({ status: 'ready' });
  });
});
