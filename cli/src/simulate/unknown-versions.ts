import { closestName } from '@flotilla/protocol';
import type { FaultRule } from './faults.ts';

export interface KnownModel {
  readonly model: string;
  readonly lastVersion: number;
}

/** What faults are of that the fleet does not have yet, one line each: a slip, or pushed later. */
export function unknownVersions(
  rules: readonly Pick<FaultRule, 'model' | 'version'>[],
  models: readonly KnownModel[],
): string[] {
  return rules.flatMap(({ model, version }) => {
    if (model === '') return [];
    const subject = version === 0 ? model : `${model}@${version}`;
    const known = models.find((one) => one.model === model);
    if (known !== undefined && version <= known.lastVersion) return [];
    const close = closestName(
      model,
      models.map((one) => one.model),
    );
    const instead =
      known !== undefined
        ? `its newest version is ${known.lastVersion}`
        : close === undefined
          ? 'it was not pushed yet'
          : `did you mean ${close}?`;
    return [`--faults are of ${subject}, which the fleet does not have: ${instead}`];
  });
}
