import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import type { Complain } from './numbers.ts';

/** Aliases that one document may expand to: stops a "billion laughs" document. */
const MAX_ALIASES = 100;

export interface YamlDocument {
  readonly value: unknown;
  /** Line, from 1, of the innermost key or item on a way from the top. */
  lineOf(path: readonly string[]): number;
}

/**
 * Reads YAML 1.2, of which JSON is a part, from whoever wrote it.
 *
 * @param complain told where (a line) and why the text is refused
 */
export function readYaml(text: string, maxBytes: number, complain: Complain): YamlDocument {
  if (text.length > maxBytes) complain('the file', `is larger than ${maxBytes / 1024} KB`);
  const lineAt = (offset = 0) => text.slice(0, offset).split('\n').length;
  // The library's own lines of errors and check of keys take time by the square of the size.
  const document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error) complain(`line ${lineAt(error.pos[0])}`, `is not YAML: ${error.message}`);
  const twice = findRepeatedKey(document);
  if (twice) {
    const where = `line ${lineAt(twice.range?.[0])}`;
    complain(where, `has the key ${String(twice.value)} a second time`);
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value, lineOf: (path) => lineAt(offsetOf(document.contents, path)) };
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

function offsetOf(contents: unknown, path: readonly string[]): number {
  let node = contents;
  let offset = startOf(node);
  for (const step of path) {
    const found = isSeq(node)
      ? node.items[Number(step)]
      : isMap(node)
        ? node.items.find(({ key }) => isScalar(key) && String(key.value) === step)
        : undefined;
    if (found === undefined) break;
    offset = startOf(isPair(found) ? found.key : found);
    node = isPair(found) ? found.value : found;
  }
  return offset;
}

const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0);
