/** A drift alert as the API gives it. */
export interface DriftAlert {
  readonly id: string;
  readonly scope: 'device' | 'fleet';
  readonly device: string;
  readonly deviceName: string;
  readonly model: string;
  readonly version: number;
  readonly feature: string;
  readonly state: 'open' | 'closed';
  readonly sinceMs: number;
  /** 0 while open. */
  readonly closedMs: number;
  readonly statistic: number;
  readonly threshold: number;
  readonly sentence: string;
  readonly data: {
    readonly edges: readonly number[];
    readonly reference: readonly number[];
    readonly observed: readonly number[];
  };
}

/** Alerts of one model version on one device, or over the fleet. */
export interface AlertGroup {
  readonly key: string;
  readonly alerts: readonly [DriftAlert, ...DriftAlert[]];
}

const excess = ({ statistic, threshold }: DriftAlert): number =>
  statistic / Math.max(threshold, Number.MIN_VALUE);

/** The fleet first, then the devices by name; in a group what is furthest over its limit leads. */
export function groupAlerts(alerts: readonly DriftAlert[]): AlertGroup[] {
  const groups = Map.groupBy(
    alerts,
    ({ device, model, version }) => `${device} ${model}@${version}`,
  );
  return [...groups]
    .flatMap(([key, members]) => {
      const [first, ...rest] = members.toSorted((a, b) => excess(b) - excess(a));
      return first === undefined ? [] : [{ key, alerts: [first, ...rest] as const }];
    })
    .map(({ key, alerts: [first, ...rest] }): AlertGroup => ({ key, alerts: [first, ...rest] }))
    .toSorted((a, b) => rank(a).localeCompare(rank(b), 'en', { numeric: true }));
}

function rank({ key, alerts: [{ scope, deviceName }] }: AlertGroup): string {
  return scope === 'fleet' ? `0 ${key}` : `1 ${deviceName} ${key}`;
}
