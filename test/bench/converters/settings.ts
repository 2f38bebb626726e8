/** How a static int8 model is made; both tools take the same. */
export interface StaticSetting {
  readonly kind: 'static';
  readonly method: 'min-max' | 'percentile' | 'entropy';
  readonly perChannel: boolean;
}

/** Weights in int8, ranges of activations found at run time. */
export interface DynamicSetting {
  readonly kind: 'dynamic';
}

/** The tool chooses: among all precisions, or among the settings of static int8. */
export interface ChosenSetting {
  readonly kind: 'chosen';
  readonly precisions: 'auto' | readonly ['int8'];
}

export type Setting = StaticSetting | DynamicSetting | ChosenSetting;
export type Tool = 'flotilla' | 'onnxruntime';

const METHODS = ['min-max', 'percentile', 'entropy'] as const;
const PER_CHANNEL: readonly Setting[] = METHODS.map((method) => ({
  kind: 'static',
  method,
  perChannel: true,
}));
const PER_TENSOR: readonly Setting[] = METHODS.map((method) => ({
  kind: 'static',
  method,
  perChannel: false,
}));
const DYNAMIC: Setting = { kind: 'dynamic' };
const CHOSEN: readonly Setting[] = [
  { kind: 'chosen', precisions: ['int8'] },
  { kind: 'chosen', precisions: 'auto' },
];

/** What each tool is asked for; with `quick` only min/max, and what Flotilla chooses. */
export function settingsOf(tool: Tool, quick: boolean): readonly Setting[] {
  const same = quick ? PER_CHANNEL.slice(0, 1) : [...PER_CHANNEL, ...PER_TENSOR, DYNAMIC];
  return tool === 'flotilla' ? [...same, ...CHOSEN] : same;
}

/** `percentile`, `min-max per-tensor`, `dynamic`, `int8`, `auto`. */
export function settingName(setting: Setting): string {
  switch (setting.kind) {
    case 'static':
      return setting.perChannel ? setting.method : `${setting.method} per-tensor`;
    case 'dynamic':
      return 'dynamic';
    case 'chosen':
      return setting.precisions === 'auto' ? 'auto' : 'int8';
  }
}
