import type { Precision } from '@flotilla/protocol';
import { indexGraph } from '../ir/edit.ts';
import type { Node } from '../ir/graph.ts';
import type { Quantized } from '../quantize/quantize.ts';

/** The precision that each node of the fp32 model, by name, runs in within a variant. */
export function nodePrecisions(variant: Quantized): (node: string) => Precision {
  const { scheme, model } = variant;
  switch (scheme.precision) {
    case 'fp32':
      return () => 'fp32';
    case 'fp16': {
      const float = new Set([...scheme.float, ...variant.skipped.map(({ node }) => node)]);
      return (node) => (float.has(node) ? 'fp32' : 'fp16');
    }
    case 'int8':
    case 'mixed':
    case 'int8-dynamic':
    case 'int4': {
      const { producer } = indexGraph(model.graph);
      const dequantized = (name = ''): boolean => producer.get(name)?.op === 'DequantizeLinear';
      const precisionOf = ({ inputs: [data, weight] }: Node): Precision => {
        const weights = weight === undefined || weight === '' || dequantized(weight);
        if (dequantized(data) && weights) return 'int8';
        return weight !== undefined && dequantized(weight) ? 'int4' : 'fp32';
      };
      const known = new Map(model.graph.nodes.map((node) => [node.name, precisionOf(node)]));
      const replaced = scheme.precision === 'int4' ? 'int4' : 'int8-dynamic';
      return (node) => known.get(node) ?? replaced;
    }
  }
}
