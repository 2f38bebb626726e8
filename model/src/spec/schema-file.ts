import { SpecDocument } from './schema.ts';

/** The JSON Schema of a model spec as the text of `model.schema.json`. */
export function schemaText(): string {
  return `${JSON.stringify(SpecDocument, null, 2)}\n`;
}
