import { FlotillaError } from '@flotilla/protocol';

/**
 * Reads `parts@3`.
 *
 * @throws FlotillaError `cli.usage`
 */
export function modelVersion(text: string): { readonly model: string; readonly version: number } {
  const [, model, version] = /^([^@]+)@(\d+)$/.exec(text) ?? [];
  if (model !== undefined) return { model, version: Number(version) };
  throw new FlotillaError('cli.usage', { reason: `${text} is not MODEL@VERSION, such as parts@3` });
}
