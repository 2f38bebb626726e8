export { type Agent, startAgent } from './agent.ts';
export type { AgentOptions, AgentPorts } from './assemble.ts';
export { type BackoffOptions, createBackoff } from './backoff.ts';
export type { DeviceHealth } from './device-watch.ts';
export { replaceFile } from './durable.ts';
export { EnrollAnswer, Identity, isEnrollAnswer, isIdentity } from './identity.ts';
export { openJournal } from './journal.ts';
export { OUTBOX_LIMITS, type OutboxCounts, type OutboxLimits } from './outbox/outbox.ts';
export { type Current, planSteps, type Step, type StepKind } from './plan.ts';
export type * from './ports.ts';
export * from './self-update/launch-state.ts';
export type { CheckedRelease, SelfUpdater } from './self-update/self-updater.ts';
export type { Inference, LoadedModel, RawInputs } from './serving/loaded-model.ts';
export { type Anchor, addAnchor, readAnchors, removeAnchor } from './side-load/anchors.ts';
export type { Loading, LoadRequest } from './side-load/side-load.ts';
export type { AgentStatus, SlotStatus } from './status.ts';
export type { StepSettings } from './steps/context.ts';

export type { DiskQuota } from './steps/room.ts';

export { createWakeup } from './wakeup.ts';
