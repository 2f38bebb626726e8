import type { PairedQuality } from '@flotilla/model';
import type { QdqForm } from '@flotilla/targets';
import type { Scheme, StaticScheme } from '../quantize/scheme.ts';
import type { Candidate, Latency } from '../result.ts';
import type { SampleNoise } from '../verify/evaluate.ts';

/** One scheme that was tried for a target, judged on the choice samples. */
export interface Trial {
  readonly scheme: Scheme;
  readonly quality: PairedQuality;
  /** How far the outputs are from fp32's; see `Judgement`. */
  readonly divergence: number;
  readonly db: number;
  /** What tells whether one trial is nearer to fp32 than another by more than chance. */
  readonly bySample: SampleNoise;
  readonly withinBudget: boolean;
  readonly latency: Latency;
  /** Of the model. */
  readonly bytes: number;
}

/** The same for equal schemes. */
export const keyOf = (scheme: Scheme): string => JSON.stringify(scheme);

/** Time relative to fp32 in the same measurement: what trials are compared by. */
export const speedOf = ({ latency }: Pick<Trial, 'latency'>): number =>
  latency.fp32 > 0 ? latency.variant / latency.fp32 : 1;

/** Share of the samples that are lost, less those won. */
export const netLossOf = ({ quality }: Pick<Trial, 'quality'>): number =>
  quality.samples === 0 ? 0 : (quality.lost - quality.won) / quality.samples;

/**
 * Outputs this far from fp32's, in nats or as noise over signal, are not fp32's any more: on few
 * samples such a variant may be right as often by luck.
 */
const ESTRANGED = 0.1;

/** True where the outputs are near enough to fp32's for a budget, whatever became of the answers. */
export const isFaithful = ({ divergence }: Pick<Trial, 'divergence'>, maxDrop: number): boolean =>
  divergence <= ESTRANGED + maxDrop;

/** Says a scheme in words: `int8 percentile, equalized, 3 nodes in float`. */
export function nameOf(scheme: Scheme, usual?: QdqForm): string {
  switch (scheme.precision) {
    case 'fp32':
      return 'fp32';
    case 'fp16':
    case 'int8-dynamic':
      return [scheme.precision, ...floatPart(scheme.float)].join(', ');
    case 'int4': {
      const { blockSize, symmetric, float } = scheme;
      const kind = symmetric ? [] : ['asymmetric'];
      return [`int4 in blocks of ${blockSize}`, ...kind, ...floatPart(float)].join(', ');
    }
    case 'int8':
    case 'mixed':
      return [`${scheme.precision} ${scheme.method}`, ...staticParts(scheme, usual)].join(', ');
  }
}

function staticParts(scheme: StaticScheme, usual: QdqForm | undefined): string[] {
  return [
    ...formParts(scheme.form, usual),
    ...(scheme.equalize ? ['equalized'] : []),
    ...(scheme.biasCorrection ? ['biases corrected'] : []),
    ...(scheme.rounding === 'adaptive' ? ['adaptive rounding'] : []),
    ...floatPart(scheme.float),
  ];
}

/** What a form does otherwise than the target's own. */
function formParts(form: QdqForm, usual: QdqForm | undefined): string[] {
  if (usual === undefined) return [];
  const differs = (key: keyof QdqForm): boolean => form[key] !== usual[key];
  return [
    ...(differs('depthwise') ? [form.depthwise ? 'depthwise too' : 'depthwise in float'] : []),
    ...(differs('padChannels')
      ? [form.padChannels ? 'channels padded' : 'no channels padded']
      : []),
    ...(differs('perChannel') ? [form.perChannel ? 'per channel' : 'per tensor'] : []),
    ...(differs('reduceRange') && form.reduceRange ? ['7-bit weights'] : []),
    ...(differs('symmetricActivations')
      ? [form.symmetricActivations ? 'symmetric' : 'asymmetric']
      : []),
    ...(differs('activation') ? [`${form.activation} activations`] : []),
    ...(differs('quantizeOutputs')
      ? [form.quantizeOutputs ? 'outputs too' : 'inputs of products only']
      : []),
    ...(differs('residualAddInputs')
      ? [form.residualAddInputs ? 'residual branches too' : 'residual branches in float']
      : []),
  ];
}

function floatPart({ length }: readonly string[]): string[] {
  if (length === 0) return [];
  return [length === 1 ? '1 node in float' : `${length} nodes in float`];
}

export function candidateOf(
  trial: Trial,
  usual: QdqForm,
  marks: Pick<Candidate, 'onFront' | 'chosen'>,
): Candidate {
  const { scheme, quality, divergence, db, withinBudget, latency, bytes } = trial;
  const name = nameOf(scheme, usual);
  return {
    name,
    scheme,
    quality,
    divergence,
    db,
    withinBudget,
    latencyMs: latency,
    bytes,
    ...marks,
  };
}
