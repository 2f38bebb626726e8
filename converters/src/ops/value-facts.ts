import type { DataType } from '../ir/dtype.ts';
import type { Dim } from '../ir/graph.ts';

/** What is known of a value before it is computed; `shape` is undefined where its rank is not known. */
export interface ValueFacts {
  readonly dtype?: DataType | undefined;
  readonly shape?: readonly Dim[] | undefined;
  /**
   * Elements of a scalar or short list that shapes are made of: numbers, sizes known only at run
   * time, or null where one is not known.
   */
  readonly elements?: readonly Dim[] | undefined;
}
