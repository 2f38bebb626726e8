import { FlotillaError } from '@flotilla/protocol';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { explain } from './explain.ts';
import { normalize } from './normalize.ts';
import { MAX_SPEC_BYTES, SpecDocument } from './schema.ts';
import type { ModelSpec } from './types.ts';

/** Aliases that one document may expand to: stops a "billion laughs" document. */
const MAX_ALIASES = 100;

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
  const value = parseYaml(text, complain);
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

function parseYaml(text: string, complain: (where: string, reason: string) => never): unknown {
  if (text.length > MAX_SPEC_BYTES) {
    complain('the file', `is larger than ${MAX_SPEC_BYTES / 1024} KB`);
  }
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'silent' });
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    const [reason = 'is not YAML'] = error.message.split('\n');
    complain(line === undefined ? 'the file' : `line ${line}`, `is not YAML: ${reason}`);
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    return complain(
      'the file',
      cause instanceof Error ? `is refused: ${cause.message}` : 'is refused',
    );
  }
}

/** A labels file lies beside the spec: a path out of its folder would read foreign files. */
function checkLabels(spec: ModelSpec, complain: (where: string, reason: string) => never): void {
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
