import type { Static } from 'typebox';
import type * as models from '../../http/schemas-models.ts';
import type { Answer, Api } from '../app/api.ts';

type Version = Static<typeof models.Version>;
export type VersionDetail = Static<typeof models.VersionDetail>;

export interface Versions {
  /** Built and signed, newest first. */
  readonly offered: readonly number[];
  /** Why the newest others are not. */
  readonly others: readonly { readonly version: number; readonly why: string }[];
}

/** Versions that are not offered and are told. */
const TOLD = 5;

export const versionPath = (model: string, version: number | string): string =>
  `/models/${encodeURIComponent(model)}/versions/${version}`;

/** The versions of a model that may be rolled out, and why others may not. */
export async function loadVersions(
  api: Pick<Api, 'all' | 'get'>,
  model: string,
): Promise<Answer<Versions>> {
  const all = await api.all<Version>(`/models/${encodeURIComponent(model)}/versions`);
  if (!all.ok) return all;
  const newest = all.value.toReversed();
  const offered = newest.filter(({ status }) => status === 'ready').map(({ version }) => version);
  const others = newest.filter(({ status }) => status !== 'ready').slice(0, TOLD);
  return {
    ok: true,
    value: { offered, others: await Promise.all(others.map((one) => explain(api, one))) },
  };
}

async function explain(api: Pick<Api, 'get'>, { model, version, status }: Version) {
  if (status === 'building') return { version, why: 'is still being built' };
  const answer = await api.get<VersionDetail>(versionPath(model, version));
  const error = answer.ok ? (answer.value.build?.error ?? '') : '';
  return { version, why: error === '' ? 'could not be built' : `could not be built: ${error}` };
}

/** `raspberry-pi-5 (fp32, int8), x86-64 (int8)`. */
export function variantsText({ variants }: Pick<VersionDetail, 'variants'>): string {
  const targets = Map.groupBy(variants, ({ target }) => target);
  return [...targets]
    .map(([target, some]) => `${target} (${some.map(({ precision }) => precision).join(', ')})`)
    .join(', ');
}
