import { writeFileSync } from 'node:fs';
import { flowsSchemaText } from './schema-file.ts';

/** Writes `agent/flows.schema.json`, which editors check a flows file against. */
writeFileSync(new URL('../../../flows.schema.json', import.meta.url), flowsSchemaText());
