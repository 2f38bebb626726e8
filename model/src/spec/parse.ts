import { FlotillaError } from '@flotilla/protocol';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { explain } from './explain.ts';
import { normalize } from './normalize.ts';
import type { Complain } from './numbers.ts';
import { MAX_SPEC_BYTES, SpecDocument } from './schema.ts';
import type { ModelSpec } from './types.ts';
import { readYaml } from './yaml.ts';

/**
 * Reads a model spec (`model.yaml`; YAML 1.2, of which JSON is a part).
 *
 * @param text the document, at most `MAX_SPEC_BYTES`
 * @param file its name, for messages
 * @throws FlotillaError `spec.invalid` naming the file, the key and what is allowed there
 */
export function parseSpec(text: string, file: string): ModelSpec {
  const complain = (where: string, reason: string): never => {
    throw new FlotillaError('spec.invalid', { file, where, reason });
  };
  const { value } = readYaml(text, MAX_SPEC_BYTES, complain);
  if (!isSpecDocument(value)) {
    const [where, reason] = explain(SpecDocument, value);
    return complain(where, reason);
  }
  const spec = normalize(value, complain);
  checkLabels(spec, complain);
  return spec;
}

function isSpecDocument(value: unknown): value is SpecDocument {
  return Value.Check(SpecDocument as Type.TSchema, value);
}

/** A labels file lies beside the spec: a path out of its folder would read foreign files. */
function checkLabels(spec: ModelSpec, complain: Complain): void {
  for (const kind of ['classification', 'detection'] as const) {
    const labels = spec.outputs[kind]?.labels;
    if (!labels || !('file' in labels)) continue;
    const parts = labels.file.split(/[\\/]/);
    if (parts.includes('..') || parts[0] === '' || /[\0:]/.test(labels.file)) {
      complain(
        `outputs.${kind}.labels`,
        `must be a file in the folder of the spec, not ${JSON.stringify(labels.file)}`,
      );
    }
  }
}
