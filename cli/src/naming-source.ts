import { FlotillaError, isFlotillaError } from '@flotilla/protocol';

/**
 * What the server says of a field of the request, told of the option or the file that gave it.
 *
 * @param sourceOf the option or file that gave a field, such as `gates.maxLatencyRise`
 * @throws FlotillaError `cli.usage` in place of `api.refused` where the source is known
 */
export async function namingSource<T>(
  work: Promise<T>,
  sourceOf: (field: string) => string | undefined,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isFlotillaError(error, 'api.refused')) throw error;
    const { detail, code, field } = error.context;
    const isNamed = code === 'request.invalid' && field !== undefined;
    const source = isNamed ? sourceOf(field) : undefined;
    if (source === undefined) throw error;
    throw new FlotillaError('cli.usage', { reason: `${source}: ${detail}` }, { cause: error });
  }
}
