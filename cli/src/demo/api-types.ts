/** What the story reads of a device (`GET /devices`). */
export interface DeviceView {
  readonly device: string;
  readonly name: string;
  readonly online: boolean;
  readonly active: readonly {
    readonly slot: string;
    readonly version: number;
    readonly precision: string;
  }[];
}

/** What the story reads of a drift alert (`GET /drift`). */
export interface DriftView {
  readonly feature: string;
  readonly scope: string;
  readonly version: number;
  readonly state: string;
  readonly sentence: string;
}
