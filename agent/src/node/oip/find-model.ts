import { FlotillaError } from '@flotilla/protocol';
import type { Agent, LoadedModel } from '../../core/index.ts';
import type { HttpRequest } from '../http/route.ts';

/** Where a model is found: a slot is a model here, and its version may stand in the path. */
export const MODEL_PATHS = ['/v2/models/:slot', '/v2/models/:slot/versions/:version'] as const;

/** @throws FlotillaError `infer.no-slot` where no model runs there, or another version */
export function findModel(
  agent: Pick<Agent, 'model' | 'slots'>,
  { slot = '', version }: HttpRequest['params'],
): LoadedModel {
  const model = agent.model(slot);
  const other = version !== undefined && version !== String(model?.installed.version);
  if (model !== undefined && !other) return model;
  const known = agent.slots.join(', ') || 'none yet';
  const asked = version === undefined ? slot : `${slot} version ${version}`;
  throw new FlotillaError('infer.no-slot', { slot: asked.slice(0, 80), known });
}
