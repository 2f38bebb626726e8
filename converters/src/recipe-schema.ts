import { explain } from '@flotilla/model';
import { PRECISIONS, type Precision } from '@flotilla/protocol';
import { TARGET_IDS } from '@flotilla/targets';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { CALIBRATION_METHODS } from './calibrate/methods.ts';

/** An object that takes no other keys. */
const object = (properties: Type.TProperties, description: string) =>
  Type.Object(properties, { additionalProperties: false, description });

const oneOf = (all: readonly (string | number)[]) =>
  Type.Union(
    all.map((each) => Type.Literal(each)),
    { description: `must be one of ${all.join(', ')}` },
  );
const flag = Type.Boolean({ description: 'must be true or false' });
const count = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'must be a whole number from 1',
});
const names = Type.Array(Type.String({ maxLength: 4096 }), { description: 'must list names' });
const text = Type.String({ description: 'must be text' });

const Form = object(
  {
    activation: oneOf(['uint8', 'int8']),
    weight: oneOf(['int8']),
    perChannel: flag,
    symmetricActivations: flag,
    reduceRange: flag,
    quantizeBias: flag,
    quantizeOutputs: flag,
    residualAddInputs: flag,
    depthwise: flag,
    padChannels: Type.Optional(flag),
  },
  'must be a QDQ form',
);

const SCHEME = 'must be a scheme of its precision';

/** @param precision as the scheme says it */
function staticScheme(precision: 'int8' | 'mixed', float: Type.TSchema) {
  const parts = {
    form: Form,
    method: oneOf(CALIBRATION_METHODS),
    equalize: flag,
    biasCorrection: flag,
    rounding: oneOf(['nearest', 'adaptive']),
  };
  return object({ precision: Type.Literal(precision), ...parts, float }, SCHEME);
}

const noNames = Type.Array(Type.String(), {
  maxItems: 0,
  description: 'must be empty: with nodes in floating point the precision is mixed',
});

const SCHEMES: Readonly<Record<Precision, Type.TSchema>> = {
  fp32: object({ precision: Type.Literal('fp32') }, SCHEME),
  fp16: object({ precision: Type.Literal('fp16'), float: names }, SCHEME),
  'int8-dynamic': object({ precision: Type.Literal('int8-dynamic'), float: names }, SCHEME),
  int8: staticScheme('int8', noNames),
  mixed: staticScheme('mixed', names),
  int4: object(
    {
      precision: Type.Literal('int4'),
      blockSize: oneOf([16, 32, 64, 128]),
      symmetric: flag,
      float: names,
    },
    SCHEME,
  ),
};

const Drawn = object({ samples: Type.Integer({ minimum: 0 }), names: text }, 'must be a draw');

const RecipeParts = {
  schema: Type.Literal(1),
  target: oneOf(TARGET_IDS),
  source: object({ digest: text }, 'must name the source by its digest'),
  passes: names,
  keep: names,
  fixShape: Type.Record(Type.String(), Type.Union([count, Type.Array(count)]), {
    description: 'must give sizes by name',
  }),
  cut: object(
    { inputs: Type.Optional(names), outputs: Type.Optional(names) },
    'must list inputs or outputs',
  ),
  data: object(
    {
      seed: count,
      maxCalibration: count,
      maxChoice: count,
      maxEvaluation: count,
      synthetic: flag,
      needsCalibration: flag,
      needsChoice: flag,
      calibration: Drawn,
      evaluation: Drawn,
    },
    'must say how samples were drawn',
  ),
  tools: object({ flotilla: text, onnxruntime: text }, 'must name the versions of the tools'),
};

const AnyRecipe = Type.Object({
  ...RecipeParts,
  scheme: Type.Object({ precision: oneOf(PRECISIONS) }, { description: SCHEME }),
});
type AnyRecipe = Type.Static<typeof AnyRecipe>;

/** What keeps a value from being a recipe: where, and what is allowed there; undefined where nothing does. */
export function recipeFault(value: unknown): string | undefined {
  if (!isRecipe(value)) return explain(AnyRecipe, value).join(' ');
  // Checked by what its precision takes: of a union each branch would complain.
  const precision = PRECISIONS.find((each) => each === value.scheme.precision) ?? 'fp32';
  const exact = object({ ...RecipeParts, scheme: SCHEMES[precision] }, 'must be a recipe');
  return Value.Check(exact, value) ? undefined : explain(exact, value).join(' ');
}

function isRecipe(value: unknown): value is AnyRecipe {
  return Value.Check(AnyRecipe, value);
}
