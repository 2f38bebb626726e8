import type { Fault, Installed, WantedDeployment } from './state.ts';

interface Work {
  readonly slot: string;
  readonly deployment: WantedDeployment;
}

/** What each kind of step concerns. */
export interface StepData {
  /** Not before its window opens, or until the clock can be trusted. */
  wait: Work & { readonly untilMs: number };
  download: Work;
  verify: Work;
  selfTest: Work;
  activate: Work;
  watch: Work;
  commit: Work;
  /** Undoes an activation. */
  rollBack: Work & { readonly fault: Fault };
  /** Ends an attempt that was never activated. */
  fail: Work & { readonly fault: Fault };
  /** Ends a shadow that ran, for a reason or because it is wanted no more. */
  endShadow: { readonly slot: string; readonly shadow: Installed; readonly fault?: Fault };
  remove: { readonly slot: string };
  /** Puts back what the fleet had in a slot before a person loaded something. */
  restore: { readonly slot: string; readonly installed: Installed };
  /** Deletes the bundles that are not needed; concerns no slot. */
  collect: { readonly slot: ''; readonly unneeded: readonly string[] };
}

export type StepKind = keyof StepData;
export type StepOf<K extends StepKind> = { readonly kind: K } & StepData[K];
/** One step towards the desired state. */
export type Step = { [K in StepKind]: StepOf<K> }[StepKind];
