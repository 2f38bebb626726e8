import Type from 'typebox';

/** Objects of a spec take no key that they do not know. */
export const strict = { additionalProperties: false } as const;

const FRACTION = '^[+-]?\\d+(\\.\\d+)?(e[+-]?\\d+)?( */ *\\d+(\\.\\d+)?)?$';

export const text = (description: string, maxLength = 255) =>
  Type.String({ minLength: 1, maxLength, description });

/** One number or fraction. */
export const factor = (description?: string) =>
  Type.Union(
    [Type.Number(), Type.String({ pattern: FRACTION, maxLength: 64 })],
    description === undefined ? {} : { description },
  );

/** A number or fraction, or a list of them, one per channel or feature. */
export const factors = (description: string, maxItems: number) =>
  Type.Union([factor(), Type.Array(factor(), { minItems: 1, maxItems })], { description });

export const numberFrom = (minimum: number, maximum: number, description: string) =>
  Type.Number({ minimum, maximum, description });

export const wholeFrom = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });

export const flag = (description: string) => Type.Boolean({ description });

export const tensorName = text('must be the name of an output tensor of the model');
