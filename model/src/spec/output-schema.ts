import Type from 'typebox';
import { factors, flag, numberFrom, strict, tensorName, text, wholeFrom } from './fields.ts';

/** Most detections of one sample that are kept. */
const MAX_DETECTIONS = 1000;
/** Anchors that a spec may list: a spec is small. */
const MAX_ANCHORS = 65_536;
const MAX_VALUES = 4096;

const Labels = Type.Union(
  [
    text('must be the name of a file'),
    Type.Array(Type.String({ maxLength: 255 }), { minItems: 1, maxItems: 100_000 }),
  ],
  {
    description:
      'must be a text file beside the spec with one label a line, or a list of at most 100000 labels',
  },
);

const Classification = Type.Object(
  {
    tensor: tensorName,
    labels: Type.Optional(Labels),
    activation: Type.Optional(
      Type.Enum(['softmax', 'sigmoid', 'none'], {
        description:
          'must be what turns the tensor into probabilities: softmax (the default), sigmoid, or none where it holds probabilities already',
      }),
    ),
  },
  { ...strict, description: 'must be an object with tensor' },
);

const Nms = Type.Object(
  {
    iou: Type.Optional(
      numberFrom(
        0,
        1,
        'must be the overlap above which the less certain box goes, from 0 to 1; 1 keeps all (default 0.5; 1 with classes)',
      ),
    ),
    score: Type.Optional(
      numberFrom(0, 1, 'must be the least score that is kept, from 0 to 1; default 0.25'),
    ),
    maxDetections: Type.Optional(
      wholeFrom(1, MAX_DETECTIONS, `must be from 1 to ${MAX_DETECTIONS}; default 100`),
    ),
    perClass: Type.Optional(
      flag('must be true (the default: boxes of other classes stay) or false'),
    ),
  },
  { ...strict, description: 'must be an object with iou, score, maxDetections and perClass' },
);

const Anchors = Type.Object(
  {
    boxes: Type.Optional(
      Type.Array(Type.Array(Type.Number(), { minItems: 4, maxItems: 4 }), {
        minItems: 1,
        maxItems: MAX_ANCHORS,
        description: `must be at most ${MAX_ANCHORS} lists [center x, center y, width, height]`,
      }),
    ),
    strides: Type.Optional(
      Type.Array(wholeFrom(1, 1024, 'must be pixels from 1 to 1024'), {
        minItems: 1,
        maxItems: 8,
        description: 'must be the strides in pixels of grids that cover the input, as [8, 16, 32]',
      }),
    ),
    variance: Type.Optional(
      Type.Array(Type.Number({ minimum: 0 }), {
        minItems: 4,
        maxItems: 4,
        description:
          'must be the four factors on center and size of an offset, as [0.1, 0.1, 0.2, 0.2]; default 1',
      }),
    ),
  },
  { ...strict, description: 'must be an object with boxes or strides' },
);

const Detection = Type.Object(
  {
    tensor: Type.Optional(tensorName),
    values: Type.Optional(
      Type.Enum(['scores', 'objectness', 'scoreAndClass'], {
        description:
          'must say what follows the four numbers of a box in tensor: scores of each class (the default), objectness and then scores, or scoreAndClass',
      }),
    ),
    boxes: Type.Optional(tensorName),
    scores: Type.Optional(tensorName),
    classes: Type.Optional(tensorName),
    count: Type.Optional(tensorName),
    format: Type.Enum(['xyxy', 'xywh', 'cxcywh', 'yxyx', 'cycxhw'], {
      description: 'must be xyxy, xywh, cxcywh, yxyx or cycxhw',
    }),
    normalized: Type.Optional(
      flag("must be true (boxes are fractions of the model's image) or false (its pixels)"),
    ),
    layout: Type.Optional(
      Type.Enum(['rows', 'columns'], {
        description:
          'must be rows (the default: a row for each box, [batch, boxes, numbers]) or columns ([batch, numbers, boxes])',
      }),
    ),
    activation: Type.Optional(
      Type.Enum(['softmax', 'sigmoid', 'none'], {
        description:
          'must be what turns scores into probabilities: none (the default), sigmoid or softmax',
      }),
    ),
    background: Type.Optional(
      wholeFrom(0, 99_999, 'must be the index of the class that stands for nothing'),
    ),
    anchors: Type.Optional(Anchors),
    labels: Type.Optional(Labels),
    nms: Type.Optional(Nms),
  },
  {
    ...strict,
    description: 'must be an object with format, and with tensor or boxes and scores',
  },
);

const Regression = Type.Object(
  {
    tensor: tensorName,
    names: Type.Optional(
      Type.Array(text('must be the name of a value'), {
        minItems: 1,
        maxItems: MAX_VALUES,
        description: 'must be the names of the values, in the order of the tensor',
      }),
    ),
    mean: Type.Optional(
      factors('must be what is added after std: a number, or one per value', MAX_VALUES),
    ),
    std: Type.Optional(
      factors('must be the factor on the tensor: a number, or one per value', MAX_VALUES),
    ),
    unit: Type.Optional(
      Type.Union(
        [
          text('must be a unit of at most 32 characters', 32),
          Type.Array(text('must be a unit of at most 32 characters', 32), { maxItems: MAX_VALUES }),
        ],
        {
          description: 'must be the unit of the values, or a list with one per name',
        },
      ),
    ),
  },
  { ...strict, description: 'must be an object with tensor' },
);

const Anomaly = Type.Object(
  {
    tensor: Type.Optional(tensorName),
    reconstruction: Type.Optional(
      text('must be the output tensor that should equal input; or give tensor'),
    ),
    input: Type.Optional(text('must be the input tensor that is reconstructed')),
    error: Type.Optional(
      Type.Enum(['mse', 'rmse', 'mae'], {
        description:
          'must be mse (the default: mean square of the difference), rmse (its root) or mae (mean absolute)',
      }),
    ),
    threshold: Type.Number({ description: 'must be the score from which a sample is anomalous' }),
    anomalousWhen: Type.Optional(
      Type.Enum(['above', 'below'], {
        description: 'must be above (the default) or below: on which side of threshold',
      }),
    ),
  },
  {
    ...strict,
    description: 'must be an object with threshold, and with tensor or reconstruction and input',
  },
);

const Embedding = Type.Object(
  {
    tensor: tensorName,
    normalize: Type.Optional(
      Type.Enum(['none', 'l2'], { description: 'must be none (the default) or l2: to length 1' }),
    ),
  },
  { ...strict, description: 'must be an object with tensor' },
);

/** What the outputs of a model mean. */
export const Outputs = Type.Object(
  {
    classification: Type.Optional(Classification),
    detection: Type.Optional(Detection),
    regression: Type.Optional(Regression),
    anomaly: Type.Optional(Anomaly),
    embedding: Type.Optional(Embedding),
    raw: Type.Optional(
      Type.Object({}, { ...strict, description: 'must be {}: the tensors are given as they are' }),
    ),
  },
  {
    ...strict,
    minProperties: 1,
    description:
      'must hold at least one of classification, detection, regression, anomaly, embedding, raw',
  },
);

export type OutputsDocument = Type.Static<typeof Outputs>;
export type DetectionDocument = Type.Static<typeof Detection>;
export type RegressionDocument = Type.Static<typeof Regression>;
export type AnomalyDocument = Type.Static<typeof Anomaly>;
