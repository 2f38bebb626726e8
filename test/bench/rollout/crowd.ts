import { newId, PROTOCOL_MINOR } from '@flotilla/protocol';
import type { OpenDatabase } from '../../../fleet-server/src/db/open.ts';
import { connectDevice, enrollDevice } from '../../../fleet-server/src/testing/fake-device.ts';
import type { TestServer } from '../../../fleet-server/src/testing/test-server.ts';

export const TARGETS = ['x86-64', 'raspberry-pi-5', 'jetson-orin'];
const SITES = ['lyon', 'paris', 'turin', 'basel'];
const ROWS = 500;
const TALKING = 20;
const TALK_MS = 100;

/** Devices that are known to the server's database and away. */
export async function seedDevices(
  { db }: OpenDatabase,
  fleet: string,
  devices: number,
): Promise<void> {
  const now = Date.now();
  for (let from = 0; from < devices; from += ROWS) {
    const size = Math.min(ROWS, devices - from);
    const rows = Array.from({ length: size }, (_, i) => rowOf(fleet, from + i, now));
    await db.insertInto('devices').values(rows).execute();
  }
}

function rowOf(fleet: string, i: number, now: number) {
  const target = TARGETS[i % TARGETS.length] ?? '';
  const site = SITES[i % SITES.length];
  return {
    ...{ fleet, device: newId(now), name: `device ${i}`, status: 'accepted' as const },
    ...{ public_key: '{}', target, target_fixed: 1 as const, tags: JSON.stringify({ site }) },
    capabilities: JSON.stringify({
      ...{ target, arch: target === 'x86-64' ? 'x64' : 'arm64', os: 'linux', cores: 4 },
      ...{ memoryBytes: 2 ** 33, diskFreeBytes: 2 ** 34 + i, cpuFeatures: ['avx2', 'avx512_vnni'] },
      runtimes: [{ name: 'onnxruntime', version: '1.30.0', maxOpset: 21, providers: ['cpu'] }],
    }),
    ...{ agent_version: '0.1.0', protocol_minor: PROTOCOL_MINOR, enrolled_ms: now },
    ...{ online: 0 as const, connect_seq: 1, last_seen_ms: now, active: '[]', digests: '[]' },
    ...{ revision: 1, edits: 0 },
  };
}

/** Some devices that are connected and tell the server all the time what they run. */
export async function startTalk(server: TestServer): Promise<{ stop(): Promise<void> }> {
  const devices = await Promise.all(
    Array.from({ length: TALKING }, async (_, i) =>
      connectDevice(await enrollDevice(server, { name: `talks ${i}` })),
    ),
  );
  await Promise.all(devices.map((device) => device.state(1)));
  const timers = devices.map((device) =>
    // the last one may not be answered any more
    setInterval(() => void device.sync().catch(() => undefined), TALK_MS),
  );
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(devices.map((device) => device.close()));
    },
  };
}
