import { FlotillaError, type TufMetadata } from '@flotilla/protocol';
import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import type { Routes } from '../http.ts';
import { FleetAnd } from '../schemas.ts';

/** Signed metadata of a fleet, by the names that TUF gives its files (TUF 1.0 §5). */
export const tufRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const pattern = '^([1-9][0-9]{0,8}\\.root|root|timestamp|snapshot|targets)\\.json$';
    app.get(
      '/api/1/fleets/:fleet/tuf/:file',
      {
        config: { access: 'device' },
        schema: {
          summary: 'root.json, N.root.json, timestamp.json, snapshot.json or targets.json',
          params: FleetAnd({ file: Type.String({ pattern }) }),
        },
      },
      async (request, reply) => {
        const { fleet, file } = request.params;
        const metadata = await context.trust.metadata(fleet);
        const bytes = metadata === undefined ? undefined : pick(metadata, file);
        if (bytes === undefined) {
          throw new FlotillaError('server.not-found', { what: 'metadata file', id: file });
        }
        reply.header('cache-control', 'no-cache').type('application/json');
        return reply.send(Buffer.from(bytes));
      },
    );
  };

function pick(metadata: TufMetadata, file: string): Uint8Array | undefined {
  const name = file.slice(0, -'.json'.length);
  if (name === 'root') return metadata.root.at(-1);
  if (name === 'timestamp' || name === 'snapshot' || name === 'targets') return metadata[name];
  return metadata.root[Number.parseInt(name, 10) - 1];
}
