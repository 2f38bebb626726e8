import { Type } from 'typebox';
import { METRICS } from '../rollouts/kinds/compare-arms.ts';
import { ROLLOUT_KINDS } from '../rollouts/kinds/settings.ts';

const Estimate = Type.Object(
  {
    value: Type.Number(),
    low: Type.Optional(Type.Number()),
    high: Type.Optional(Type.Number()),
  },
  { description: 'with the interval that holds it with 95 % at every look, where there is enough' },
);

const ShadowResult = Type.Object({
  devices: Type.Integer({ description: 'that compared anything' }),
  compared: Type.Integer({ description: 'inferences that both models made' }),
  agreed: Type.Integer(),
  skipped: Type.Integer({
    description: 'sampled, but there was no time for it, or it was too hot',
  }),
  agreement: Type.Number({ description: '0 to 1' }),
  disagreements: Type.Array(
    Type.Object({
      active: Type.Integer({ description: 'class index' }),
      shadow: Type.Integer({ description: 'class index' }),
      count: Type.Integer(),
    }),
    { description: 'the most frequent first, at most 64' },
  ),
  labels: Type.Array(Type.String(), {
    description: 'names of the classes, by index; empty where the version has none',
  }),
  latencyRatio: Estimate,
  confidenceChange: Estimate,
});

const Both = Type.Object({ a: Type.Integer(), b: Type.Integer() });

const ArmsResult = Type.Object({
  devices: Both,
  metrics: Type.Array(
    Type.Object({
      metric: Type.Enum(METRICS),
      devices: Both,
      a: Type.Number({ description: 'arm A, which keeps its version; latency in ms' }),
      b: Type.Number({ description: 'arm B, which has the candidate' }),
      difference: Estimate,
    }),
  ),
});

export const RolloutComparison = Type.Object({
  kind: Type.Enum(ROLLOUT_KINDS, { description: 'as it was made' }),
  sentence: Type.String({ description: 'the result in words; empty for an update' }),
  shadow: Type.Optional(ShadowResult),
  ab: Type.Optional(ArmsResult),
});
