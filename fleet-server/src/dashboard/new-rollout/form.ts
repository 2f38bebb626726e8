import type { GateName } from '../../rollouts/gates/types.ts';
import type { Promotion, RolloutKind } from '../../rollouts/kinds/settings.ts';
import type { Day } from '../../rollouts/pace/windows.ts';
import type { Approval } from '../../rollouts/strategy.ts';

/** What a person has filled in, as they wrote it; an empty text leaves it to the server. */
export interface Form {
  readonly model: string;
  readonly version: string;
  readonly devices: string;
  readonly shape: WaveShape;
  /** Devices of the first wave, of shape `canary`. */
  readonly canary: string;
  /** Of shape `custom`. */
  readonly waves: string;
  readonly kind: RolloutKind;
  readonly promote: Promotion;
  /** Percent of the inferences that a shadow sees too. */
  readonly sample: string;
  /** Percent of the time that a shadow may compute. */
  readonly busy: string;
  readonly maxTemperature: string;
  /** Inferences by both before a shadow is judged. */
  readonly compared: string;
  /** Percent of the devices that are arm B. */
  readonly share: string;
  readonly maxHours: string;
  /** Percent, by gate. */
  readonly limits: Partial<Record<GateName, string>>;
  /** Gates that are not judged. */
  readonly off: readonly GateName[];
  readonly minInferences: string;
  /** As `10m`. */
  readonly soak: string;
  readonly approval: Approval;
  /** As an input for date and time has it, by the browser's clock. */
  readonly start: string;
  readonly maintenance: readonly FormWindow[];
  readonly maxInFlight: string;
  readonly priority: string;
}

export interface FormWindow {
  readonly days: readonly Day[];
  readonly from: string;
  readonly to: string;
  /** Empty: each device's own. */
  readonly timeZone: string;
}

export type WaveShape = 'usual' | 'canary' | 'custom';

export const EMPTY_FORM: Form = {
  ...{ model: '', version: '', devices: '' },
  ...{ shape: 'usual', canary: '1', waves: '5, 10%, 50%, 100%' },
  ...{ kind: 'update', promote: 'command' },
  ...{ sample: '', busy: '', maxTemperature: '', compared: '', share: '', maxHours: '' },
  ...{ limits: {}, off: [], minInferences: '' },
  ...{ soak: '', approval: 'none', start: '', maintenance: [], maxInFlight: '', priority: '' },
};

export const EMPTY_WINDOW: FormWindow = { days: [], from: '02:00', to: '05:00', timeZone: '' };
