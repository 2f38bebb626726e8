import { createHash } from 'node:crypto';
import type { Deployment } from '@flotilla/protocol';
import { signLogin } from './identity.ts';
import type { DeviceState } from './state.ts';

/** What a simulated device fetches of a bundle over HTTP. */
export const DOWNLOADS = ['none', 'manifest', 'full'] as const;
export type Download = (typeof DOWNLOADS)[number];

/**
 * Fetches what is asked for and compares its digest; nothing is kept.
 *
 * @throws Error saying what did not come
 */
export async function downloadBundle(
  what: Download,
  state: DeviceState,
  deployment: Deployment,
  nowMs: number,
): Promise<void> {
  if (what === 'none') return;
  const { identity } = state;
  const base = deployment.url.startsWith('/') ? identity.api + deployment.url : deployment.url;
  const headers = { authorization: `Bearer ${signLogin(identity, nowMs)}` };
  const manifest = await fetchBlob(`${base}/${deployment.digest}`, deployment.digest, headers);
  if (what === 'manifest') return;
  const { config, layers } = JSON.parse(manifest.toString('utf8')) as Manifest;
  for (const { digest } of [config, ...layers])
    await fetchBlob(`${base}/${digest}`, digest, headers);
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

async function fetchBlob(
  url: string,
  digest: string,
  headers: Record<string, string>,
): Promise<Buffer> {
  const response = await fetch(url, { headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (found !== digest) throw new Error(`${url} is ${found}`);
  return bytes;
}
