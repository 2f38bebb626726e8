import type { Bundle } from './bundle.ts';
import type { Scheme } from './quantize/scheme.ts';
import type { Assessment } from './report.ts';
import type { Found } from './search/search.ts';

/** A variant that was made and verified. */
export interface Made {
  readonly assessment: Assessment;
  /** Undefined where the variant is not handed on. */
  readonly bundle: Bundle | undefined;
}

export interface Handed {
  /** What is handed over; of a list of which nothing stands, the first, without a bundle. */
  readonly made: readonly Made[];
  /** What was ranked before, and did not stand. */
  readonly refused: readonly Made[];
}

type Make = (scheme: Scheme) => Promise<Made>;

/** Variants of one list that are verified: each runs all evaluation samples. */
export const MOST_ATTEMPTS = 5;

/**
 * Verifies what a search ranked, on samples that it has not seen, and takes of each list the first
 * that stands.
 *
 * @param make makes and verifies the variant of a scheme
 */
export async function handOver({ goal, ranked, rungs }: Found, make: Make): Promise<Handed> {
  const made: Made[] = [];
  const refused: Made[] = [];
  const takesOnnx = goal.profile.runtimes.some((runtime) => runtime.startsWith('onnxruntime'));
  for (const schemes of ranked) {
    const tried = await untilOneStands(takesOnnx ? attempts(schemes) : schemes.slice(0, 1), make);
    const taken = tried.find(({ bundle }) => bundle !== undefined) ?? tried[0];
    if (taken !== undefined) made.push(taken);
    refused.push(...tried.filter((each) => each !== taken));
  }
  const beside = made.some(({ bundle, assessment }) => bundle && !isFloat(assessment.scheme));
  const steps = beside ? await untilOneStands(rungs, make) : [];
  const step = steps.find(({ bundle }) => bundle !== undefined) ?? steps[0];
  if (step !== undefined) made.push(step);
  return { made, refused };
}

/** The first few, and then what stands in any case: fp32, which is what it always was, where it is ranked. */
function attempts(schemes: readonly Scheme[]): readonly Scheme[] {
  if (schemes.length <= MOST_ATTEMPTS) return schemes;
  const few = schemes.slice(0, MOST_ATTEMPTS - 1);
  const rest = schemes.slice(few.length);
  const sure = rest.find(({ precision }) => precision === 'fp32');
  return sure === undefined ? [...few, ...rest.slice(-1)] : [...few, sure];
}

async function untilOneStands(schemes: readonly Scheme[], make: Make): Promise<Made[]> {
  const tried: Made[] = [];
  for (const scheme of schemes) {
    const variant = await make(scheme);
    tried.push(variant);
    if (variant.bundle !== undefined) break;
  }
  return tried;
}

export const isFloat = ({ precision }: Scheme): boolean =>
  precision === 'fp32' || precision === 'fp16';
