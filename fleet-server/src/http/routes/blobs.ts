import type { ServerContext } from '../../context.ts';
import { readBlob } from '../../registry/blobs.ts';
import type { Routes } from '../http.ts';
import { Digest, FleetAnd } from '../schemas.ts';
import { sendArtifact } from '../send-artifact.ts';

/** Blobs by digest, whole or in ranges. A fleet reads only what its own bundles name. */
export const blobRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    app.route({
      method: ['GET', 'HEAD'],
      url: '/api/1/fleets/:fleet/blobs/:digest',
      config: { access: 'device' },
      schema: { summary: 'A blob of a bundle', params: FleetAnd({ digest: Digest }) },
      handler: async (request, reply) => {
        const { fleet, digest } = request.params;
        const blob = await readBlob(context, fleet, digest);
        return sendArtifact(context.artifacts, blob, request, reply);
      },
    });
  };
