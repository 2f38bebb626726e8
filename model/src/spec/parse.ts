import { FlotillaError } from '@flotilla/protocol';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { type Document, isScalar, parseDocument, type Scalar, visit } from 'yaml';
import { explain } from './explain.ts';
import { normalize } from './normalize.ts';
import type { Complain } from './numbers.ts';
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

function parseYaml(text: string, complain: Complain): unknown {
  if (text.length > MAX_SPEC_BYTES) {
    complain('the file', `is larger than ${MAX_SPEC_BYTES / 1024} KB`);
  }
  const lineAt = (offset = 0) => `line ${text.slice(0, offset).split('\n').length}`;
  // The library's own lines of errors and check of keys take time by the square of the size.
  const document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error) complain(lineAt(error.pos[0]), `is not YAML: ${error.message}`);
  const twice = findRepeatedKey(document);
  if (twice) complain(lineAt(twice.range?.[0]), `has the key ${String(twice.value)} a second time`);
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    const reason = cause instanceof Error ? `is refused: ${cause.message}` : 'is refused';
    return complain('the file', reason);
  }
}

function findRepeatedKey(document: Document): Scalar | undefined {
  let repeated: Scalar | undefined;
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) repeated = key;
        seen.add(key.value);
      }
      return repeated ? visit.BREAK : undefined;
    },
  });
  return repeated;
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
