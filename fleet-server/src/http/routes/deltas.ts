import { FlotillaError } from '@flotilla/protocol';
import type { App } from '../../app.ts';
import type { ServerContext } from '../../context.ts';
import { readBlob } from '../../registry/blobs.ts';
import type { Routes } from '../http.ts';
import { Digest, FleetAnd } from '../schemas.ts';
import { sendArtifact } from '../send-artifact.ts';

/** When a device that must wait for its delta asks again. */
const AGAIN_S = 2;

/** Deltas between two blobs of the fleet's bundles, for devices that have the one and need the other. */
export const deltaRoutes =
  (context: ServerContext, { deltas, wantedBlobs }: Pick<App, 'deltas' | 'wantedBlobs'>): Routes =>
  async (app) => {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/api/1/fleets/:fleet/deltas/:from/:to',
      config: { access: 'device' },
      schema: {
        summary:
          'What makes one blob of another; 503 until it is made, 404 where it saves too little',
        params: FleetAnd({ from: Digest, to: Digest }),
      },
      handler: async (request, reply) => {
        const { fleet, from, to } = request.params;
        await readBlob(context, fleet, from);
        await readBlob(context, fleet, to);
        const { principal } = request;
        const asks = principal.kind === 'device' ? principal.device : undefined;
        // what nobody is to have is made for nobody
        if (asks !== undefined && !(await wantedBlobs.isWanted(fleet, asks, to))) {
          throw new FlotillaError('delta.none', { reason: 'this device is not to have the blob' });
        }
        const found = await deltas.find({ fleet, from, to });
        if (found.kind === 'none') throw new FlotillaError('delta.none', { reason: found.reason });
        if (found.kind === 'making') throw new FlotillaError('delta.making', { seconds: AGAIN_S });
        return sendArtifact(context.artifacts, found, request, reply);
      },
    });
  };
