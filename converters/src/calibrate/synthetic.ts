import type { Runtime, Session, Tensors } from '@flotilla/model';
import { loadModelIn } from '../formats/onnx/session.ts';
import type { Model } from '../ir/graph.ts';
import { randomNumbers } from '../random.ts';
import { type Moments, momentsIn, type Norm, tapNorms } from './synthetic/batchnorms.ts';
import { drawsOf, type InputSpecs } from './synthetic/draws.ts';
import { type ImageForm, imageForms, imageTensor } from './synthetic/image-form.ts';
import { openMatching } from './synthetic/matching.ts';
import { between, drawScene, type Plane, type Random, vary } from './synthetic/scenes.ts';

export interface SynthesizeOptions {
  /** How many to make. */
  readonly samples: number;
  readonly seed: number;
  readonly runtime: Runtime;
  /** What the model's spec says of its inputs. */
  readonly inputs?: InputSpecs | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told in one sentence what the samples were made from. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/**
 * Makes up inputs for a model that no data are at hand for. Images for a model with
 * BatchNormalizations are matched to what training left there: mean and deviation of every channel
 * (data-free quantization, Nagel et al. 2019; ZeroQ, Cai et al. 2020). There is no gradient here, so
 * they evolve: an image varied from others takes the place of the one whose place brings the set's
 * moments nearest to training's. Other inputs are seeded draws.
 *
 * @param model before BatchNormalizations are folded
 * @returns feeds of the model, the same for the same seed
 */
export async function synthesize(
  model: Model,
  options: SynthesizeOptions,
): Promise<readonly Tensors[]> {
  const { model: tapped, norms } = tapNorms(model);
  const source = norms.length > 0 ? tapped : model;
  const session = await loadModelIn(options.runtime, source, { lean: true });
  try {
    const [only, ...others] = session.inputs.filter(
      ({ name }) => options.inputs?.[name]?.kind !== 'constant',
    );
    const forms = only && imageForms(only, options.inputs?.[only.name]);
    if (norms.length === 0 || forms === undefined || others.length > 0) {
      const reason = norms.length === 0 ? 'it has no BatchNormalization' : 'its input is no image';
      options.onNote?.(`samples are random draws that match nothing in the model: ${reason}`);
      return draw(session, options);
    }
    return await evolve({ session, norms, forms, ...options });
  } finally {
    await session.dispose();
  }
}

function draw(
  session: Session,
  { samples, seed, inputs, onProgress }: SynthesizeOptions,
): Tensors[] {
  const random = randomNumbers(seed);
  const draws = session.inputs.map(
    (info) => [info.name, drawsOf(info, inputs?.[info.name])] as const,
  );
  return Array.from({ length: samples }, (_, i) => {
    const feeds = Object.fromEntries(draws.map(([name, next]) => [name, next(random)]));
    onProgress?.(i + 1, samples);
    return feeds;
  });
}

interface Evolution extends SynthesizeOptions {
  readonly session: Session;
  readonly norms: readonly Norm[];
  readonly forms: readonly ImageForm[];
}

/** Elements that norms take in all runs together: some seconds of most networks. */
const WORK = 2e9;
const CHILDREN_EACH = 24;
const MOST_CHILDREN = 1500;
/** Places that are tried for each child. */
const PLACES = 32;
/** Scenes that tell the form of the input. */
const TRIALS = 8;

async function evolve(evolution: Evolution): Promise<Tensors[]> {
  const { session, norms, samples, seed, inputs, onProgress, onNote } = evolution;
  const random = randomNumbers(seed);
  const constants = Object.fromEntries(
    session.inputs
      .filter(({ name }) => inputs?.[name]?.kind === 'constant')
      .map((info) => [info.name, drawsOf(info, inputs?.[info.name])(random)]),
  );
  const feedsOf = (form: ImageForm, plane: Plane): Tensors => {
    return { ...constants, [form.info.name]: imageTensor(form, plane) };
  };
  const momentsOf = async (form: ImageForm, plane: Plane): Promise<Moments> =>
    momentsIn(await session.run(feedsOf(form, plane)), norms);
  const form = await likeliestForm(evolution, random, momentsOf);
  const planes = Array.from({ length: samples }, () => drawScene(form.size, random));
  const moments: Moments[] = [];
  for (const plane of planes) moments.push(await momentsOf(form, plane));
  const matching = openMatching(norms, moments);
  const before = matching.distance;
  const children = childrenFor(norms, samples);
  for (let i = 0; i < children; i++) {
    const child = childOf(planes, form, random);
    const places = Array.from({ length: Math.min(PLACES, samples) }, () => pick(samples, random));
    const place = matching.improve(await momentsOf(form, child), places);
    if (place !== undefined) planes[place] = child;
    onProgress?.(i + 1, children);
  }
  onNote?.(
    `samples are made up: images evolved until their moments at ${norms.length} BatchNormalizations were ${matching.distance.toFixed(3)} from training's, ${before.toFixed(3)} at first`,
  );
  return planes.map((plane) => feedsOf(form, plane));
}

/** The form in which scenes come nearest to training's moments. */
async function likeliestForm(
  { forms, norms }: Evolution,
  random: Random,
  momentsOf: (form: ImageForm, plane: Plane) => Promise<Moments>,
): Promise<ImageForm> {
  const [first] = forms;
  if (first === undefined || forms.length === 1) return first!;
  const scenes = Array.from({ length: TRIALS }, () => drawScene(first.size, random));
  let best = first;
  let least = Number.POSITIVE_INFINITY;
  for (const form of forms) {
    const moments: Moments[] = [];
    for (const scene of scenes) moments.push(await momentsOf(form, scene));
    const { distance } = openMatching(norms, moments);
    if (distance < least) [best, least] = [form, distance];
  }
  return best;
}

/** As many as the work allows that one run takes; at least one for each member. */
function childrenFor(norms: readonly Norm[], samples: number): number {
  const elements = norms.reduce((sum, norm) => sum + norm.elements, 0);
  const affordable = Math.floor(WORK / Math.max(elements, 1)) - samples;
  return Math.max(samples, Math.min(affordable, samples * CHILDREN_EACH, MOST_CHILDREN));
}

function childOf(planes: readonly Plane[], form: ImageForm, random: Random): Plane {
  const parent = planes[pick(planes.length, random)]!;
  const fresh = random() > 0.5;
  const other = fresh ? drawScene(form.size, random) : planes[pick(planes.length, random)]!;
  return vary(parent, other, random);
}

function pick(count: number, random: Random): number {
  return Math.min(Math.floor(between(random, 0, count)), count - 1);
}
