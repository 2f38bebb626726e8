import { writeFileSync } from 'node:fs';
import { schemaText } from '../spec/schema-file.ts';

/** Writes `model/model.schema.json`, which editors check a model.yaml against. */
writeFileSync(new URL('../../model.schema.json', import.meta.url), schemaText());
