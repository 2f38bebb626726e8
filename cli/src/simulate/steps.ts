/** Steps of a deployment on a device, in the order in which an agent takes them. */
export const STEPS = ['download', 'verify', 'selfTest', 'activate', 'watch', 'commit'] as const;
export type StepName = (typeof STEPS)[number];

export const isStep = (text: string): text is StepName =>
  (STEPS as readonly string[]).includes(text);

/** How long a step takes, as a share of the step time of the simulation; `watch` is set by the server. */
export const STEP_SHARES: Readonly<Record<StepName, number>> = {
  download: 1,
  verify: 0.2,
  selfTest: 0.6,
  activate: 0.2,
  watch: 0,
  commit: 0,
};
