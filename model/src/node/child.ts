export { LEAST_MEMORY_BYTES, type LimitedTask, limitsOf, runLimited } from './limited.ts';
