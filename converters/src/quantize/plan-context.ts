import type { QdqForm } from '@flotilla/targets';
import type { GraphIndex } from '../ir/edit.ts';
import type { Graph, Node } from '../ir/graph.ts';
import type { Range } from './params.ts';

export type Ranges = ReadonlyMap<string, Range>;

/** Who reads a quantized value dequantized; the others, if any, read the float value. */
export type Takers = ReadonlyMap<string, ReadonlySet<Node> | 'all'>;

/** What the judgement of one node rests on. */
export interface JudgingContext {
  readonly graph: Graph;
  readonly floats: ReadonlySet<string>;
  readonly ranges: Ranges;
  readonly form: QdqForm;
  /** Names of nodes that stay in floating point by choice. */
  readonly float: ReadonlySet<string>;
}

/** What the planning of the whole graph rests on. */
export interface PlanContext extends JudgingContext {
  readonly index: GraphIndex;
  /** Relu and Clip nodes that disappear into the operator before them. */
  readonly absorbed: ReadonlySet<Node>;
}
