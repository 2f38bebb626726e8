export * from './choose.ts';
export { COST } from './cost.ts';
export { detectTarget, deviceFacts } from './detect.ts';
export * from './facts.ts';
export { MODEL_MEMORY_SHARE } from './obstacles.ts';
export * from './profile.ts';
export { isTargetId, TARGETS, targetById } from './targets.ts';
