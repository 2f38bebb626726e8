import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  type BundleConfig,
  type BundleContent,
  bundleFileName,
  makeManifest,
  makeRelease,
  type ReleaseConfig,
} from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  writeBundleFile,
} from '@flotilla/protocol/node';
import type { Body, TestServer } from './test-server.ts';

const run = promisify(execFile);

/** Path in the upload to content. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** An archive of these files by GNU tar itself. */
export async function tarOf(
  files: Files,
  format: 'gnu' | 'pax' | 'ustar' = 'gnu',
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-tar-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const args = [`--format=${format}`, '-cf', '-', '-C', folder, '.'];
  const { stdout } = await run('tar', args, { encoding: 'buffer', maxBuffer: 1 << 28 });
  await rm(folder, { recursive: true });
  return stdout;
}

/** A bundle as a tool beside the server would make it; its model is a text. */
export async function makeBundle(
  variant: Partial<BundleConfig> = {},
): Promise<{ name: string; bytes: Uint8Array; digest: string; model: Uint8Array }> {
  const config: BundleConfig = {
    formatVersion: 1,
    model: 'parts',
    version: 1,
    target: 'x86-64',
    precision: 'int8',
    runtime: { name: 'onnxruntime', minOpset: 13, opset: 13 },
    memoryBytes: 1 << 20,
    sourceDigest: `sha256:${'0'.repeat(64)}`,
    tools: {},
    epoch: 0,
    ...variant,
  };
  const utf8 = new TextEncoder();
  const model = utf8.encode(`model of ${JSON.stringify(config)} ${'x'.repeat(5000)}`);
  const content = await makeManifest({
    config,
    model,
    spec: utf8.encode('schema: 1\n'),
    golden: utf8.encode('golden'),
    recipe: utf8.encode('{}'),
  });
  const name = bundleFileName(config);
  return { name, bytes: await fileOf(content), digest: content.digest, model };
}

/** A release of the agent; its program is a text. */
export async function makeAgentRelease(
  fields: Partial<ReleaseConfig> = {},
): Promise<{ name: string; bytes: Uint8Array; digest: string }> {
  const config: ReleaseConfig = {
    formatVersion: 1,
    kind: 'agent',
    release: 1,
    version: '0.2.0',
    os: 'linux',
    arch: 'x64',
    libc: 'glibc',
    protocolMinor: 1,
    files: 3,
    unpackedBytes: 30,
    epoch: 0,
    ...fields,
  };
  const utf8 = new TextEncoder();
  const content = await makeRelease(config, {
    node: utf8.encode('node'),
    libraries: utf8.encode('libraries'),
    program: utf8.encode(config.arch),
  });
  const name = `agent-${config.arch}.flotilla`;
  return { name, bytes: await fileOf(content), digest: content.digest };
}

async function fileOf(content: BundleContent): Promise<Uint8Array> {
  const metadata = createRepository(createSigner(generateKeyPair()), { fleet: 'local' });
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-bundle-'));
  const file = join(folder, 'bundle');
  await writeBundleFile(file, { ...content, metadata });
  const bytes = await readFile(file);
  await rm(folder, { recursive: true });
  return bytes;
}

/** Where versions are pushed to. */
type Receiver = Pick<TestServer, 'url' | 'adminToken'>;

/** Pushes a tar as a version of a model. */
export async function push(
  server: Receiver,
  model: string,
  tar: Uint8Array,
  query = '',
): Promise<{ status: number; body: Body }> {
  const url = `${server.url}/api/1/fleets/default/models/${model}/versions${query}`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.adminToken}`, 'content-type': 'application/x-tar' },
    body: new Uint8Array(tar),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

/** Enough for a wave: a version of one ready bundle for each target. */
export async function pushBundles(
  server: Receiver,
  version: number,
  targets: readonly string[] = ['x86-64'],
): Promise<{ digest: string; model: Uint8Array }[]> {
  const bundles = await Promise.all(targets.map((target) => makeBundle({ version, target })));
  const files = Object.fromEntries(bundles.map(({ name, bytes }) => [name, bytes]));
  const { status, body } = await push(server, 'parts', await tarOf(files));
  if (status !== 202) throw new Error(JSON.stringify(body));
  return bundles;
}
