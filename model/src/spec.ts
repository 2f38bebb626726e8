export { parseSpec } from './spec/parse.ts';
export { MAX_SPEC_BYTES, SpecDocument } from './spec/schema.ts';
export type * from './spec/types.ts';
