import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { createFleet, haltFleet, readFleet } from '../../devices/fleets.ts';
import type { Routes } from '../http.ts';
import { actorOf } from '../principal.ts';
import { FleetParams, Millis } from '../schemas.ts';

const Fleet = Type.Object({
  fleet: Type.String(),
  createdMs: Millis,
  generation: Type.Integer(),
  halted: Type.Boolean(),
});

type FleetRow = Awaited<ReturnType<typeof readFleet>>;

const toFleet = (row: FleetRow) => ({
  fleet: row.fleet,
  createdMs: row.created_ms,
  generation: row.generation,
  halted: row.halted === 1,
});

/** Fleets, and the halt that stops every new step in one. */
export const fleetRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    app.post(
      '/api/1/fleets',
      {
        config: { access: 'admin' },
        schema: { summary: 'Makes a fleet', body: FleetParams, response: { 201: Fleet } },
      },
      async (request, reply) => {
        const { fleet } = request.body;
        await createFleet(context, actorOf(request.principal), fleet);
        reply.code(201);
        return toFleet(await readFleet(context.db, fleet));
      },
    );
    app.get(
      '/api/1/fleets/:fleet',
      {
        config: { access: 'viewer' },
        schema: { params: FleetParams, response: { 200: Fleet } },
      },
      async (request) => toFleet(await readFleet(context.db, request.params.fleet)),
    );
    app.post(
      '/api/1/fleets/:fleet/halt',
      {
        config: { access: 'operator' },
        schema: {
          summary:
            'Stops new steps on every device of the fleet, or lets them go on; never inference',
          params: FleetParams,
          body: Type.Object({ halted: Type.Boolean() }),
          response: { 200: Fleet },
        },
      },
      async (request) => {
        const { fleet } = request.params;
        await haltFleet(context, actorOf(request.principal), fleet, request.body.halted);
        return toFleet(await readFleet(context.db, fleet));
      },
    );
  };
