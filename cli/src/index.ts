export type { Launch, Running } from './demo/processes.ts';
export { launch } from './demo/processes.ts';
export { run } from './run.ts';
