/**
 * Writes `NAME.gen.ts` beside each `NAME.proto`: the schema as data for protobufjs's light build,
 * and a TypeScript type for every message and enum, so that schema and types have one source.
 *
 *   node scripts/generate-messages.ts            # all .proto files of the project
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import protobuf from 'protobufjs';

const SOURCES = ['protocol/src/messages.proto', 'converters/src/formats/onnx/onnx.proto'].filter(
  (path) => existsSync(path),
);

const NUMBERS = new Set(['double', 'float', 'int32', 'uint32', 'sint32', 'fixed32', 'sfixed32']);
const WIDE = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

function scalar(field: protobuf.Field): string {
  if (NUMBERS.has(field.type)) return 'number';
  if (WIDE.has(field.type)) return 'Wide';
  if (field.type === 'bool') return 'boolean';
  if (field.type === 'string') return 'string';
  if (field.type === 'bytes') return 'Uint8Array';
  return typeName(field.resolve().resolvedType);
}

function typeName(type: protobuf.Type | protobuf.Enum | null): string {
  if (type === null) throw new Error('unresolved field type');
  return type.parent instanceof protobuf.Type ? `${type.parent.name}${type.name}` : type.name;
}

/** ONNX is read as protobufjs decodes it: enums stay numbers, 64-bit integers stay exact. */
const AS_DECODED = new Set(['onnx.proto']);

/** A message field may be absent; a scalar always has a value, a oneof member only when it was sent. */
function property(field: protobuf.Field): string {
  const one = scalar(field);
  if (field.repeated) return `  ${field.name}: ${one}[];`;
  if (field.partOf !== null) return `  ${field.name}?: ${one};`;
  const absent = field.resolvedType instanceof protobuf.Type;
  return `  ${field.name}${absent ? '?' : ''}: ${one}${absent ? ' | null' : ''};`;
}

function declare(type: protobuf.ReflectionObject, decoded: boolean): string[] {
  if (type instanceof protobuf.Enum) {
    const names = decoded
      ? Object.values(type.values)
      : Object.keys(type.values).map((name) => `'${name}'`);
    return [`export type ${typeName(type)} = ${names.join(' | ')};`];
  }
  if (type instanceof protobuf.Namespace && !(type instanceof protobuf.Type)) {
    return type.nestedArray.flatMap((inner) => declare(inner, decoded));
  }
  if (!(type instanceof protobuf.Type)) return [];
  const fields = type.fieldsArray.map(property);
  const nested = type.nestedArray.flatMap((inner) => declare(inner, decoded));
  return [`export interface ${typeName(type)} {\n${fields.join('\n')}\n}`, ...nested];
}

for (const source of SOURCES) {
  const { root } = protobuf.parse(readFileSync(source, 'utf8'), { keepCase: false });
  root.resolveAll();
  const file = source.split('/').at(-1) ?? source;
  const decoded = AS_DECODED.has(file);
  const types = root.nestedArray
    .flatMap((type) => declare(type, decoded))
    .join('\n\n')
    .replace(/\bWide\b/g, decoded ? 'Long' : 'number');
  const imports = decoded ? "import type Long from 'long';\n" : '';
  const descriptor = JSON.stringify(root.toJSON());
  const text = `// Generated from ${file} by scripts/generate-messages.ts: do not edit.\n${imports}import type { INamespace } from 'protobufjs/light.js';\n\n${types}\n\nexport const descriptor = ${descriptor} as INamespace;\n`;
  writeFileSync(source.replace(/\.proto$/, '.gen.ts'), text);
}
