import type { ServerContext } from '../../context.ts';
import { DevicePolicy, readPolicy, writePolicy } from '../../devices/download-policy.ts';
import { readFleet } from '../../devices/fleets.ts';
import { readDevice } from '../../devices/store.ts';
import { tellDevice, tellFleet } from '../../devices/tell.ts';
import type { Routes } from '../http.ts';
import { actorOf } from '../principal.ts';
import { FleetAnd, FleetParams, Id } from '../schemas.ts';

const VIEWER = { config: { access: 'viewer' as const } };
const OPERATOR = { config: { access: 'operator' as const } };
const RESPONSE = { 200: DevicePolicy };

/** What a fleet, or one device of it, may download over which links. */
export const downloadRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const { db, log } = context;
    const base = '/api/1/fleets/:fleet';
    const deviceParams = FleetAnd({ device: Id });
    app.get(
      `${base}/downloads`,
      { ...VIEWER, schema: { params: FleetParams, response: RESPONSE } },
      async ({ params: { fleet } }) => readPolicy(db, (await readFleet(db, fleet)).fleet),
    );
    app.put(
      `${base}/downloads`,
      {
        ...OPERATOR,
        schema: {
          summary: 'Sets what every device of the fleet may download; holds at once',
          params: FleetParams,
          body: DevicePolicy,
          response: RESPONSE,
        },
      },
      async ({ params: { fleet }, body, principal }) => {
        await readFleet(db, fleet);
        await writePolicy(context, actorOf(principal), { fleet }, body);
        tellFleet(context, fleet).catch((error: Error) =>
          log.warn({ fleet, reason: error.message }, 'not every device was told; it will ask'),
        );
        return body;
      },
    );
    app.get(
      `${base}/devices/:device/downloads`,
      { ...VIEWER, schema: { params: deviceParams, response: RESPONSE } },
      async ({ params: { fleet, device } }) => {
        await readDevice(db, fleet, device);
        return readPolicy(db, fleet, device);
      },
    );
    app.put(
      `${base}/devices/:device/downloads`,
      {
        ...OPERATOR,
        schema: {
          summary: 'Sets what one device may download; what is left out is as the fleet says',
          params: deviceParams,
          body: DevicePolicy,
          response: RESPONSE,
        },
      },
      async ({ params: { fleet, device }, body, principal }) => {
        await readDevice(db, fleet, device);
        await writePolicy(context, actorOf(principal), { fleet, device }, body);
        await tellDevice(context, fleet, device);
        return body;
      },
    );
  };
