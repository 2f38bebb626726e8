import type { ReferenceFeature, ReferenceProfile } from '@flotilla/model';
import type { Alert, AlertFigures, AlertKey } from '../alerts/store.ts';
import { type DriftSettings, type FeatureVerdict, thresholdOf } from './judge.ts';

/** Verdicts of one device, or (device empty) of the fleet. */
export interface ScopeVerdicts {
  readonly device: string;
  readonly verdicts: readonly FeatureVerdict[];
}

export type Change =
  | { readonly kind: 'raise'; readonly key: AlertKey; readonly figures: AlertFigures }
  | { readonly kind: 'update'; readonly alert: Alert; readonly figures: AlertFigures }
  | { readonly kind: 'close'; readonly alert: Alert; readonly why: string };

interface Subject {
  readonly fleet: string;
  readonly model: string;
  readonly version: number;
  /** Labels of devices by id. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Open alerts on devices for one feature of a version: where more of them drift, the alert of the
 * fleet says it, and a list of thousands would say nothing.
 */
const MAX_DEVICE_ALERTS = 100;

/** Which alerts come, change and go after a window was judged. Pure. */
export function planAlerts(
  subject: Subject,
  profile: ReferenceProfile,
  scopes: readonly ScopeVerdicts[],
  open: readonly Alert[],
  settings: DriftSettings,
): Change[] {
  const figures = (device: string, verdict: FeatureVerdict) =>
    figuresOf(subject, { device, verdict, reference: referenceOf(profile, verdict) }, settings);
  const known = new Map(open.map((alert) => [`${alert.device} ${alert.feature}`, alert]));
  const raised = new Map<string, number>();
  for (const { device, feature } of open) {
    if (device !== '') raised.set(feature, (raised.get(feature) ?? 0) + 1);
  }
  const full = (device: string, feature: string): boolean => {
    const count = raised.get(feature) ?? 0;
    if (device !== '') raised.set(feature, count + 1);
    return device !== '' && count >= MAX_DEVICE_ALERTS;
  };
  return scopes.flatMap(({ device, verdicts }) =>
    verdicts.flatMap((verdict): Change[] => {
      const alert = known.get(`${device} ${verdict.feature}`);
      if (alert === undefined) {
        if (!verdict.drifted || full(device, verdict.feature)) return [];
        const key = keyOf(subject, device, verdict.feature);
        return [{ kind: 'raise', key, figures: figures(device, verdict) }];
      }
      if (verdict.settled) {
        return [{ kind: 'close', alert, why: 'the last windows look like the reference again' }];
      }
      if (!verdict.exceeded) return [];
      return [{ kind: 'update', alert, figures: figures(device, verdict) }];
    }),
  );
}

const keyOf = ({ fleet, model, version }: Subject, device: string, feature: string): AlertKey => ({
  fleet,
  kind: 'drift',
  scope: device === '' ? 'fleet' : 'device',
  device,
  model,
  version,
  feature,
});

const referenceOf = ({ features }: ReferenceProfile, { feature }: FeatureVerdict) =>
  features.find(({ name }) => name === feature) ?? NO_REFERENCE;

const NO_REFERENCE: ReferenceFeature = { name: '', edges: [], counts: [], mean: 0, std: 0 };

interface Finding {
  readonly device: string;
  readonly verdict: FeatureVerdict;
  readonly reference: ReferenceFeature;
}

function figuresOf(
  { model, version, names }: Subject,
  { device, verdict, reference }: Finding,
  settings: DriftSettings,
): AlertFigures {
  const { feature, statistic, samples, observed } = verdict;
  const threshold = thresholdOf(reference, verdict, settings);
  const where = device === '' ? 'across the fleet' : `on ${names.get(device) || device}`;
  return {
    statistic,
    threshold,
    sentence: `input feature ${feature} of ${model}@${version} drifted ${where}: PSI ${statistic.toFixed(2)} over ${samples} inferences, limit ${threshold.toFixed(2)}`,
    data: { edges: reference.edges, reference: reference.counts, observed },
  };
}
