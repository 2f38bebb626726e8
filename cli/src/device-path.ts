import { FlotillaError, isId } from '@flotilla/protocol';
import type { Api } from './api.ts';

interface Named {
  readonly device: string;
  readonly name: string;
}

/**
 * Path below the fleet of a device that a person named as lists show it. An id is taken as it is, so
 * that a script asks once.
 *
 * @throws FlotillaError `cli.usage` where no device has that name, or several have
 */
export async function devicePath(api: Pick<Api, 'all'>, text: string): Promise<string> {
  if (isId(text)) return `/devices/${text}`;
  const named = (await api.all<Named>('/devices')).filter(({ name }) => name === text);
  const [only] = named;
  if (only === undefined) {
    throw usage(`no device has the id or name ${text}: flotilla device list shows them`);
  }
  if (named.length > 1) {
    const ids = named.map(({ device }) => device).join(', ');
    throw usage(`${named.length} devices have the name ${text}: give the id of one (${ids})`);
  }
  return `/devices/${only.device}`;
}

const usage = (reason: string) => new FlotillaError('cli.usage', { reason });
