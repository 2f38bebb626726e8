import Type from 'typebox';
import { Audio } from './audio-schema.ts';
import { Features } from './features-schema.ts';
import { factors, strict, text } from './fields.ts';
import { Outputs } from './output-schema.ts';

/** Largest model.yaml that is read: real ones are below 10 KB. */
export const MAX_SPEC_BYTES = 256 * 1024;
/** Largest side that an image may be resized, cropped or padded to, in pixels. */
export const MAX_SIDE = 8192;

const side = Type.Integer({ minimum: 1, maximum: MAX_SIDE });
const sides = (description: string) =>
  Type.Union([side, Type.Array(side, { minItems: 2, maxItems: 2 })], { description });

const byte = Type.Number({ minimum: 0, maximum: 255 });

const Resize = Type.Object(
  {
    mode: Type.Enum(['shortSide', 'stretch', 'letterbox'], {
      description:
        'must be shortSide (keep the aspect, the short side becomes size), stretch (exactly size) or letterbox (keep the aspect, pad to size)',
    }),
    size: sides(`must be pixels from 1 to ${MAX_SIDE}: one number or [width, height]`),
    kernel: Type.Optional(
      Type.Enum(['nearest', 'bilinear', 'bicubic', 'lanczos3'], {
        description: 'must be nearest, bilinear (the default), bicubic or lanczos3',
      }),
    ),
    antialias: Type.Optional(
      Type.Boolean({
        description:
          'must be true (the default: widen the kernel when shrinking, as Pillow, libvips and torchvision do) or false (as OpenCV and TensorFlow do)',
      }),
    ),
    pad: Type.Optional(
      Type.Union([byte, Type.Array(byte, { minItems: 3, maxItems: 3 })], {
        description:
          'must be the pixel value 0 to 255 that letterbox pads with, or [red, green, blue]',
      }),
    ),
  },
  { ...strict, description: 'must be an object with mode and size' },
);

const Image = Type.Object(
  {
    color: Type.Optional(
      Type.Enum(['rgb', 'bgr', 'gray'], {
        description: 'must be rgb (the default), bgr or gray: the order of the channels',
      }),
    ),
    decode: Type.Optional(
      Type.Enum(['rgb8'], {
        description: 'must be rgb8: every image is decoded upright, to 8 bits a channel',
      }),
    ),
    resize: Type.Optional(Resize),
    crop: Type.Optional(
      sides(
        `must be the size of the center crop after resizing, in pixels from 1 to ${MAX_SIDE}: one number or [width, height]`,
      ),
    ),
    scale: Type.Optional(
      factors(
        'must be the factor on a pixel (0 to 255): a number, a fraction such as "1/255", or one per channel',
        4,
      ),
    ),
    mean: Type.Optional(
      factors(
        'must be what is subtracted after scale: a number, a fraction, or one per channel',
        4,
      ),
    ),
    std: Type.Optional(
      factors(
        'must be what is divided by after mean: a number, a fraction, or one per channel, not 0',
        4,
      ),
    ),
    layout: Type.Optional(
      Type.Enum(['nchw', 'nhwc'], { description: 'must be nchw (the default) or nhwc' }),
    ),
  },
  { ...strict, description: 'must be an object that says how an image becomes this tensor' },
);

const State = Type.Object(
  { from: text('must be the output tensor that is fed back into this input') },
  { ...strict, description: 'must be an object with from' },
);

const Constant = Type.Union(
  [Type.Number(), Type.Boolean(), Type.Array(Type.Number(), { minItems: 1, maxItems: 65536 })],
  { description: 'must be a number, true, false, or a list of at most 65536 numbers' },
);

const Raw = Type.Object({}, { ...strict, description: 'must be {}: the tensor is fed as it is' });

const oneKind = { ...strict, minProperties: 1, maxProperties: 1 } as const;

const Input = Type.Object(
  {
    image: Type.Optional(Image),
    features: Type.Optional(Features),
    audio: Type.Optional(Audio),
    state: Type.Optional(State),
    constant: Type.Optional(Constant),
    raw: Type.Optional(Raw),
  },
  {
    ...oneKind,
    description: 'must hold exactly one of image, features, audio, state, constant, raw',
  },
);

const Evaluation = Type.Object(
  {
    metric: Type.Optional(
      Type.Enum(['top1', 'agreement'], {
        description: 'must be top1 (needs labels) or agreement (with the fp32 model)',
      }),
    ),
    maxDrop: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'must be the largest net loss that a variant may have, a fraction from 0 to 1',
      }),
    ),
    slices: Type.Optional(
      Type.Array(text('must be the name of a column of labels.csv'), {
        maxItems: 64,
        uniqueItems: true,
        description: 'must be a list of at most 64 column names of labels.csv',
      }),
    ),
  },
  { ...strict, description: 'must be an object with metric, maxDrop and slices' },
);

/** A `model.yaml` as it may be written; `model.schema.json` is this schema for editors. */
export const SpecDocument = Type.Object(
  {
    schema: Type.Literal(1, { description: 'must be 1, the version of this format' }),
    name: Type.String({
      pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
      description:
        "must be 1 to 63 of a-z, 0-9, '.', '_' and '-', with a letter or digit first: the model's name in the fleet",
    }),
    task: Type.Optional(text('must be a short text such as image-classification', 63)),
    description: Type.Optional(text('must be a text of at most 4096 characters', 4096)),
    inputs: Type.Record(Type.String({ minLength: 1, maxLength: 255 }), Input, {
      minProperties: 1,
      maxProperties: 64,
      description: 'must name each input tensor of the model and say what it is',
    }),
    outputs: Outputs,
    evaluation: Type.Optional(Evaluation),
  },
  {
    ...strict,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Flotilla model spec',
    description: 'must be an object with schema, name, inputs and outputs',
  },
);

export type SpecDocument = Type.Static<typeof SpecDocument>;
export type ImageDocument = Type.Static<typeof Image>;
export type InputDocument = Type.Static<typeof Input>;
