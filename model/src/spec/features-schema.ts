import Type from 'typebox';
import { factor, factors, strict, text } from './fields.ts';

const MAX_COLUMNS = 4096;
const MAX_CATEGORIES = 4096;

const category = Type.Union([
  Type.String({ minLength: 1, maxLength: 255 }),
  Type.Number(),
  Type.Boolean(),
]);

const Column = Type.Object(
  {
    name: text('must be the name of a feature'),
    mean: Type.Optional(factor('must be what is subtracted')),
    std: Type.Optional(factor('must be what is divided by, not 0')),
    min: Type.Optional(factor('must be the value that becomes 0')),
    max: Type.Optional(factor('must be the value that becomes 1')),
    categories: Type.Optional(
      Type.Array(category, {
        minItems: 1,
        maxItems: MAX_CATEGORIES,
        description: `must be the values that occur, at most ${MAX_CATEGORIES}: texts, numbers, true or false`,
      }),
    ),
    encode: Type.Optional(
      Type.Enum(['oneHot', 'index'], {
        description:
          'must be oneHot (the default: one number per category, 0 or 1) or index (the place in the list)',
      }),
    ),
    unknown: Type.Optional(
      Type.Enum(['refuse', 'zeros', 'other'], {
        description:
          'must say what becomes of a value that is no category: refuse (the default), zeros (index: −1) or other (a further category at the end)',
      }),
    ),
    missing: Type.Optional(
      Type.Union([Type.Enum(['refuse', 'nan', 'zeros', 'other']), Type.Number()], {
        description:
          'must say what stands for a missing value: refuse (the default), nan or a number; for categories zeros or other',
      }),
    ),
  },
  { ...strict, description: 'must be an object with name' },
);

/** How a row of named values becomes a tensor. */
export const Features = Type.Object(
  {
    names: Type.Optional(
      Type.Array(text('must be the name of a feature'), {
        minItems: 1,
        maxItems: MAX_COLUMNS,
        description:
          'must be the names of the features, in the order of the tensor; or give columns',
      }),
    ),
    mean: Type.Optional(
      factors('must be what is subtracted: a number, or one per name', MAX_COLUMNS),
    ),
    std: Type.Optional(
      factors('must be what is divided by: a number, or one per name, not 0', MAX_COLUMNS),
    ),
    columns: Type.Optional(
      Type.Array(Column, {
        minItems: 1,
        maxItems: MAX_COLUMNS,
        description: 'must be a list with an object for each feature, in the order of the tensor',
      }),
    ),
  },
  { ...strict, description: 'must be an object with names or columns' },
);

export type FeaturesDocument = Type.Static<typeof Features>;
export type ColumnDocument = Type.Static<typeof Column>;
