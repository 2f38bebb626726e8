import { FlotillaError } from '@flotilla/protocol';
import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { METADATA_FILE, readMetadataFile } from '../../trust/metadata-file.ts';
import type { Routes } from '../http.ts';
import { FleetAnd } from '../schemas.ts';

/** Signed metadata of a fleet, by the names that TUF gives its files (TUF 1.0 §5). */
export const tufRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const pattern = METADATA_FILE.source;
    app.get(
      '/api/1/fleets/:fleet/tuf/:file',
      {
        config: { access: 'device' },
        schema: {
          summary: 'root.json, N.root.json, timestamp.json, snapshot.json or targets.json',
          params: FleetAnd({
            file: Type.String({ pattern, description: 'a metadata file, such as root.json' }),
          }),
        },
      },
      async (request, reply) => {
        const { fleet, file } = request.params;
        const bytes = await readMetadataFile(context.trust, fleet, file);
        if (bytes === undefined) {
          throw new FlotillaError('server.not-found', { what: 'metadata file', id: file });
        }
        reply.header('cache-control', 'no-cache').type('application/json');
        return reply.send(Buffer.from(bytes));
      },
    );
  };
