import { dataTypeOfCode } from '../../ir/dtype.ts';
import type { Dim, ValueInfo, ValueType } from '../../ir/graph.ts';
import type { TensorShapeProtoDimension, TypeProto, ValueInfoProto } from './onnx.gen.ts';
import { checkRank } from './read-tensor.ts';
import { extraOf, has } from './schema.ts';

export function readValueInfo(proto: ValueInfoProto): ValueInfo {
  checkRank(proto.type?.tensorType?.shape?.dim.length ?? 0, `value ${JSON.stringify(proto.name)}`);
  return {
    name: proto.name,
    type: proto.type ? readType(proto.type) : undefined,
    extra: extraOf(proto, ['name', 'type']),
  };
}

function readType(proto: TypeProto): ValueType {
  const tensor = proto.tensorType;
  const dtype = tensor && dataTypeOfCode(tensor.elemType);
  if (!tensor || !dtype) return { kind: 'opaque', value: proto };
  const dims = tensor.shape?.dim ?? [];
  const denoted = dims.some((dim) => dim.denotation !== '');
  return {
    kind: 'tensor',
    dtype,
    shape: tensor.shape ? dims.map(readDim) : undefined,
    ...(proto.denotation === '' ? {} : { denotation: proto.denotation }),
    ...(denoted ? { dimDenotations: dims.map((dim) => dim.denotation) } : {}),
  };
}

/** A size that no tensor can have says nothing, like none. */
function readDim(proto: TensorShapeProtoDimension): Dim {
  if (has(proto, 'dimParam') && proto.dimParam) return proto.dimParam;
  if (!has(proto, 'dimValue') || proto.dimValue === undefined) return null;
  const size = proto.dimValue.toNumber();
  return size < 0 || !Number.isSafeInteger(size) ? null : size;
}
