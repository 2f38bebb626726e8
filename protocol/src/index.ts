export * from './error.ts';
export * from './ids.ts';
export * from './messages.ts';
export * from './topics.ts';
