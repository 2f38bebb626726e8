import type { Precision } from '@flotilla/protocol';
import { COST_KINDS, type QdqForm, type TargetProfile } from '@flotilla/targets';
import { CALIBRATION_METHODS } from '../calibrate/methods.ts';
import { INT4_OPSET } from '../quantize/int4.ts';
import type { Int4Scheme, Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { SchemeRequest } from '../request.ts';
import { shareOf, type Work } from '../verify/work.ts';

/** Weights of matrix products below this share of the work are not worth a precision of their own. */
const WORTH_PRODUCTS = 0.1;
const BLOCK_SIZES: readonly Int4Scheme['blockSize'][] = [32, 128];

/** The target's QDQ form, with what the request fixes. */
export function formOf({ qdq }: TargetProfile, { perChannel, symmetric }: SchemeRequest): QdqForm {
  return {
    ...qdq,
    ...(perChannel === undefined ? {} : { perChannel }),
    ...(symmetric === undefined ? {} : { symmetricActivations: symmetric }),
  };
}

/** Static int8 as plain as the request lets it be, one for each calibration method. */
export function plainSchemes(
  precision: StaticScheme['precision'],
  form: QdqForm,
  fixed: SchemeRequest,
): StaticScheme[] {
  const methods = fixed.method === undefined ? CALIBRATION_METHODS : [fixed.method];
  const { equalize = false, biasCorrection = false, rounding = 'nearest', float = [] } = fixed;
  const rest = { equalize, biasCorrection, rounding, float };
  return methods.map((method) => ({ precision, form, method, ...rest }));
}

/** Nodes with products that the target computes slower in int8 than in floating point. */
export function slowerNodes(
  { cost }: TargetProfile,
  work: Work,
  heavy: readonly string[],
): string[] {
  const kinds = new Set(
    COST_KINDS.filter((kind) => kind !== 'other' && (cost.int8?.[kind] ?? 1) > 1),
  );
  const slow = new Set(work.nodes.flatMap(({ node, kind }) => (kinds.has(kind) ? [node] : [])));
  return heavy.filter((node) => slow.has(node));
}

/** The scheme with these nodes in floating point; with the last thin convolution in it nothing is padded. */
export function inFloat(
  scheme: StaticScheme,
  float: readonly string[],
  thin: readonly string[],
): StaticScheme {
  const padChannels = scheme.form.padChannels && thin.some((node) => !float.includes(node));
  return { ...scheme, precision: 'mixed', form: { ...scheme.form, padChannels }, float };
}

/** What each further improvement changes in a scheme; those that the request leaves open. */
export function refinements(fixed: SchemeRequest): Partial<StaticScheme>[] {
  return [
    ...(fixed.biasCorrection === undefined ? [{ biasCorrection: true }] : []),
    ...(fixed.equalize === undefined ? [{ equalize: true }] : []),
    ...(fixed.rounding === undefined ? [{ rounding: 'adaptive' as const }] : []),
  ];
}

/** Schemes of a precision that no calibration is needed for; the first is what is tried first. */
export function uncalibratedSchemes(precision: Precision, fixed: SchemeRequest): Scheme[] {
  const { float = [], blockSize } = fixed;
  switch (precision) {
    case 'fp32':
      return [{ precision }];
    case 'fp16':
    case 'int8-dynamic':
      return [{ precision, float }];
    case 'int4': {
      const sizes = blockSize === undefined ? BLOCK_SIZES : [blockSize];
      return sizes.map((size) => ({ precision, blockSize: size, symmetric: true, float }));
    }
    case 'int8':
    case 'mixed':
      return [];
  }
}

/** Precisions that change only products of matrices. */
export const isForFew = (precision: Precision): boolean =>
  precision === 'int8-dynamic' || precision === 'int4';

/** Whether a precision may be worth trying. */
export function isPromising(
  precision: Precision,
  { maxOpset }: TargetProfile,
  work: Work,
): boolean {
  if (!isForFew(precision)) return true;
  if (precision === 'int4' && maxOpset < INT4_OPSET) return false;
  return shareOf(work, ['matmul']) >= WORTH_PRODUCTS;
}

/** The one scheme of a precision where the request leaves nothing to choose. */
export function settledScheme(
  precision: Precision,
  profile: TargetProfile,
  fixed: SchemeRequest,
): Scheme {
  const [scheme = { precision: 'fp32' }] =
    precision === 'int8' || precision === 'mixed'
      ? plainSchemes(precision, formOf(profile, fixed), fixed)
      : uncalibratedSchemes(precision, fixed);
  return scheme;
}

/** True where the request leaves nothing of these precisions to choose. */
export function isFixed(precisions: readonly Precision[], fixed: SchemeRequest): boolean {
  const { method, equalize, biasCorrection, rounding, float, blockSize } = fixed;
  const settled: Readonly<Record<Precision, boolean>> = {
    fp32: true,
    fp16: true,
    'int8-dynamic': true,
    int4: blockSize !== undefined,
    int8: [method, equalize, biasCorrection, rounding].every((setting) => setting !== undefined),
    mixed: [method, equalize, biasCorrection, rounding, float].every(
      (setting) => setting !== undefined,
    ),
  };
  return precisions.every((precision) => settled[precision]);
}
