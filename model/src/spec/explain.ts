import type Type from 'typebox';
import { Value } from 'typebox/value';

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/**
 * Why a value does not fit a schema, for a person: the key, and what its schema's description
 * says must be there.
 */
export function explain(schema: Type.TSchema, value: unknown): [where: string, reason: string] {
  const errors = Value.Errors(schema, value).filter((error) => error.keyword !== 'boolean');
  const unknown = errors.find((error) => error.keyword === 'additionalProperties');
  const first = unknown ?? errors[0];
  if (!first) return ['the document', 'does not fit the schema'];
  const steps = stepsOf(first.instancePath);
  const { node, path } = describedNode(schema as SchemaNode, steps);
  const where = path.join('.') || 'the document';
  if (unknown && path.length === steps.length) {
    const keys = (unknown.params as { additionalProperties: readonly string[] })
      .additionalProperties;
    const known = Object.keys(node.properties ?? {}).join(', ') || 'none';
    return [where, `has the unknown key ${JSON.stringify(keys[0])}; allowed: ${known}`];
  }
  if (first.keyword === 'required') {
    const [missing = '?'] = (first.params as { requiredProperties: readonly string[] })
      .requiredProperties;
    const described = node.properties?.[missing]?.description;
    return [[...path, missing].join('.'), `is missing; it ${described ?? 'must be given'}`];
  }
  return [where, `${node.description ?? first.message}${foundAt(value, path)}`];
}

/** Steps of a JSON pointer (RFC 6901). */
function stepsOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The innermost node on the way that has a description. */
function describedNode(
  schema: SchemaNode,
  steps: readonly string[],
): { node: SchemaNode; path: readonly string[] } {
  let node: SchemaNode | undefined = schema;
  let found = { node: schema, path: [] as readonly string[] };
  for (const [index, step] of steps.entries()) {
    node = node.properties?.[step] ?? Object.values(node.patternProperties ?? {})[0] ?? node.items;
    if (!node) break;
    if (node.description) found = { node, path: steps.slice(0, index + 1) };
  }
  return found;
}

function foundAt(value: unknown, path: readonly string[]): string {
  let found = value;
  for (const step of path) found = (found as Record<string, unknown> | null)?.[step];
  if (found === null) return '; found nothing';
  if (typeof found === 'object') return '';
  return `; found ${JSON.stringify(found)?.slice(0, 60) ?? 'nothing'}`;
}
