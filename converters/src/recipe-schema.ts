import { TARGET_IDS } from '@flotilla/targets';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { CALIBRATION_METHODS } from './calibrate/methods.ts';

const count = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const words = (all: readonly string[]) => Type.Union(all.map((word) => Type.Literal(word)));
const names = Type.Array(Type.String({ maxLength: 4096 }));

const Form = Type.Object({
  activation: words(['uint8', 'int8']),
  weight: Type.Literal('int8'),
  perChannel: Type.Boolean(),
  symmetricActivations: Type.Boolean(),
  reduceRange: Type.Boolean(),
  quantizeBias: Type.Boolean(),
  quantizeOutputs: Type.Boolean(),
  residualAddInputs: Type.Boolean(),
  depthwise: Type.Boolean(),
  padChannels: Type.Optional(Type.Boolean()),
});

const Scheme = Type.Union([
  Type.Object({ precision: Type.Literal('fp32') }),
  Type.Object({ precision: words(['fp16', 'int8-dynamic']), float: names }),
  Type.Object({
    precision: words(['int8', 'mixed']),
    form: Form,
    method: words(CALIBRATION_METHODS),
    equalize: Type.Boolean(),
    biasCorrection: Type.Boolean(),
    rounding: words(['nearest', 'adaptive']),
    float: names,
  }),
  Type.Object({
    precision: Type.Literal('int4'),
    blockSize: Type.Union([16, 32, 64, 128].map((size) => Type.Literal(size))),
    symmetric: Type.Boolean(),
    float: names,
  }),
]);

const Drawn = Type.Object({ samples: Type.Integer({ minimum: 0 }), names: Type.String() });

const RecipeSchema = Type.Object({
  schema: Type.Literal(1),
  target: words(TARGET_IDS),
  source: Type.Object({ digest: Type.String() }),
  passes: names,
  keep: names,
  fixShape: Type.Record(Type.String(), Type.Union([count, Type.Array(count)])),
  cut: Type.Object({ inputs: Type.Optional(names), outputs: Type.Optional(names) }),
  scheme: Scheme,
  data: Type.Object({
    seed: count,
    maxCalibration: count,
    maxChoice: count,
    maxEvaluation: count,
    synthetic: Type.Boolean(),
    needsCalibration: Type.Boolean(),
    needsChoice: Type.Boolean(),
    calibration: Drawn,
    evaluation: Drawn,
  }),
  tools: Type.Object({ flotilla: Type.String(), onnxruntime: Type.String() }),
});

/** What of a value keeps it from being a recipe: where, and what is allowed there; undefined where nothing does. */
export function recipeFault(value: unknown): string | undefined {
  if (Value.Check(RecipeSchema, value)) return undefined;
  // Of a scheme each form has its own complaint; the outermost says where it is.
  const faults = Value.Errors(RecipeSchema, value).toSorted(
    (a, b) => a.instancePath.length - b.instancePath.length,
  );
  const [first] = faults;
  const where = first?.instancePath.slice(1).replaceAll('/', '.') || 'it';
  return `${where} ${first?.message ?? 'is not that of a recipe'}`;
}
