import { FlowsDocument } from './schema.ts';

/** The JSON Schema of a flows file as the text of `flows.schema.json`. */
export const flowsSchemaText = (): string => `${JSON.stringify(FlowsDocument, null, 2)}\n`;
