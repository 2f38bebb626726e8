export { LEAST_MEMORY_BYTES, type LimitedTask, runLimited } from './limited.ts';
