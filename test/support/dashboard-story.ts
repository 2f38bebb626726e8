import { SimulatedFleet } from './simulated-fleet.ts';
import { until } from './until.ts';

/** Names come from devices: one tries to be markup. */
export const HOSTILE = '<img src=x onerror="window.pwned=1">';

const DEVICES = [
  ['line 1 camera', 'raspberry-pi-5', 'lyon'],
  ['line 2 camera', 'raspberry-pi-5', 'metz'],
  ['press shop', 'jetson-orin', 'lyon'],
  ['gate 10', 'x86-64', 'lyon'],
  ['gate 9', 'x86-64', 'lyon'],
  [HOSTILE, 'raspberry-pi-4', 'lyon'],
] as const;

const MINUTE = 60_000;

export interface Story {
  readonly fleet: SimulatedFleet;
  /** Version 2: stopped by a gate and rolled back. */
  readonly halted: string;
  /** Version 3: its first device has it, the second is under way. */
  readonly running: string;
}

/**
 * Six devices with version 1 and twenty minutes of telemetry; version 2, which a gate stopped;
 * version 3, half-way, both for one site; and on the device of the other site a lamp that failed. Its last device is offline.
 */
export async function tellStory(): Promise<Story> {
  const fleet = await SimulatedFleet.start();
  try {
    return await tell(fleet);
  } catch (error) {
    await fleet.stop();
    throw error;
  }
}

async function tell(fleet: SimulatedFleet): Promise<Story> {
  for (const [name, target, site] of DEVICES) await fleet.addDevice(name, target, site);
  const targets = [...new Set(DEVICES.map(([, target]) => target))];
  for (const version of [1, 2, 3]) await fleet.push(version, targets);
  const ended = (id: string) =>
    until(`the end of rollout ${id}`, async () =>
      ['done', 'rolled-back'].includes(await fleet.stateOf(id)),
    );
  await ended(await fleet.rollOut(1, { waves: ['2', '100%'] }));
  await pastOf(fleet);

  const halted = await fleet.rollOut(2, { devices: 'site=lyon' });
  const canary = await until('the canary', () =>
    fleet.devices.find(({ active }) => active?.version === 2),
  );
  const now = Date.now();
  await canary.measure({
    ...{ startMs: now - (now % MINUTE), lengthMs: MINUTE, inferences: 160, latencyMs: 12 },
    ...{ confidence: 0.61, favors: { index: 3, share: 0.7 } },
  });
  await ended(halted);

  for (const device of fleet.devices) device.result = () => 'RESULT_IN_PROGRESS';
  const running = await fleet.rollOut(3, {
    devices: 'site=lyon',
    waves: ['60%', '100%'],
    gates: { minInferences: 500 },
  });
  const first = await until('devices that take version 3', async () => {
    const { body } = await fleet.server.call('GET', `/rollouts/${running}`);
    const devices = body.devices as unknown as { device: string; state: string }[];
    const busy = devices.filter(({ state }) => state === 'in-progress');
    return busy.length === 3 && busy;
  });
  const quick = fleet.devices.find(({ id }) => id === first[0]?.device);
  await quick?.finish('RESULT_COMMITTED');
  await until('the first commit', async () => {
    const { body } = await fleet.server.call('GET', `/rollouts/${running}`);
    return Number(body.counts?.committed) === 1;
  });
  await quick?.measure({
    ...{ startMs: now - (now % MINUTE), lengthMs: MINUTE, inferences: 210, latencyMs: 10 },
    confidence: 0.94,
  });
  const last = fleet.devices.at(-1);
  await last?.link.state(2, false);
  await until('drift alerts', async () => {
    const { body } = await fleet.server.call('GET', '/drift?state=open');
    const items = body.items as unknown as { scope: string }[];
    return ['device', 'fleet'].every((scope) => items.some((alert) => alert.scope === scope));
  });
  return { fleet, halted, running };
}

/** Twenty minutes of version 1; on one device the light fails for the last six. */
async function pastOf({ devices }: SimulatedFleet): Promise<void> {
  const now = Date.now();
  for (let ago = 20; ago > 0; ago--) {
    const startMs = now - (now % MINUTE) - ago * MINUTE;
    for (const [i, device] of devices.entries()) {
      const dark = i === 1 && ago <= 6;
      await device.measure({
        ...{ startMs, lengthMs: MINUTE, inferences: 90 + 10 * i },
        latencyMs: [11, 12, 4, 7, 7.5, 31][i]! * (1 + 0.12 * Math.sin(ago / 2 + i)),
        confidence: dark ? 0.78 : 0.93,
        shifts: dark ? { brightness: -2.2, contrast: -0.9 } : {},
        suspects: dark ? ['brightness'] : [],
        ...(dark && { favors: { index: 7, share: 0.35 } }),
      });
    }
  }
}
