import { beside } from '../beside.ts';
import type { ServerContext } from '../context.ts';
import { type DesiredParts, publishDesired } from './desired.ts';

const PAGE = 200;
const TOGETHER = 32;

/** Tells every connected device of a fleet; those that are away ask when they are back. */
export async function tellFleet(
  parts: DesiredParts & Pick<ServerContext, 'log'>,
  fleet: string,
): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await parts.db
      .selectFrom('devices')
      .select('device')
      .where('fleet', '=', fleet)
      .where('online', '=', 1)
      .where('device', '>', after)
      .orderBy('device')
      .limit(PAGE)
      .execute();
    await beside(TOGETHER, rows, ({ device }) => tellDevice(parts, fleet, device));
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.device ?? '';
  }
}

/** Never throws: a device that does not hear it asks when it connects. */
export async function tellDevice(
  parts: DesiredParts & Pick<ServerContext, 'log'>,
  fleet: string,
  device: string,
): Promise<void> {
  await publishDesired(parts, fleet, device).catch((error: Error) =>
    parts.log.warn({ fleet, device, reason: error.message }, 'the device will ask'),
  );
}
