import { DATA_TYPES, type DataType } from '../ir/dtype.ts';

/** The type that Cast-1 names in words (`FLOAT`, `INT64`…), or undefined for any other word. */
export function dataTypeOfName(word: string): DataType | undefined {
  const name = word.toLowerCase();
  if (name === 'float') return 'float32';
  if (name === 'double') return 'float64';
  return Object.hasOwn(DATA_TYPES, name) ? (name as DataType) : undefined;
}
