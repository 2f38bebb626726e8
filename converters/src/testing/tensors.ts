import type { Tensor } from '@flotilla/model';
import type { TensorValue } from '../ir/tensor.ts';
import { feedOf as feedIfTaken } from '../ops/runtime-tensors.ts';

/** A constant of the IR as a tensor that a runtime takes. */
export function feedOf(value: TensorValue): Tensor {
  const feed = feedIfTaken(value);
  if (feed === undefined) throw new TypeError(`no runtime takes ${value.dtype} from here`);
  return feed;
}

/** The bytes of a tensor from a runtime, to compare with a constant of the IR. */
export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
