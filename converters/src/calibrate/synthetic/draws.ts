import {
  elementCount,
  type InputSpec,
  type Tensor,
  type TensorInfo,
  tensorError,
  tensorOf,
} from '@flotilla/model';
import { imageForms, imageTensor } from './image-form.ts';
import { between, drawScene, type Random } from './scenes.ts';

/** More is not made up: an input this large is a slip in the file. */
const MOST_ELEMENTS = 2 ** 26;

export type InputSpecs = Readonly<Record<string, InputSpec>>;

/** One made-up tensor after another for an input. */
export type Draw = (random: Random) => Tensor;

/**
 * Draws that fit what a model declares and its spec says: scenes for images, normal numbers for
 * features, which specs bring to mean 0 and deviation 1, soft noise for sound, zeros for states. Sizes
 * known only at run time become 1.
 *
 * @throws FlotillaError `tensor.invalid` for an input of more than 2²⁶ elements
 */
export function drawsOf(info: TensorInfo, spec: InputSpec | undefined): Draw {
  const shape = info.shape.map((size) => (size < 0 ? 1 : size));
  const count = elementCount(shape);
  if (count > MOST_ELEMENTS) {
    throw tensorError(info.name, `has ${count} elements, too many to make up samples of`);
  }
  const [form] = imageForms(info, spec) ?? [];
  if (form !== undefined) return (random) => imageTensor(form, drawScene(form.size, random));
  const numbers = (of: (random: Random) => number): Draw => {
    return (random) =>
      tensorOf(
        Array.from({ length: count }, () => of(random)),
        shape,
        info.type,
      );
  };
  if (spec?.kind === 'state') return numbers(() => 0);
  if (spec?.kind === 'constant') return () => tensorOf([...spec.value], shape, info.type);
  if (spec?.kind === 'audio') return numbers((random) => 0.1 * normal(random));
  // Whole numbers are mostly places in tables of unknown length, and switches.
  if (!info.type.startsWith('FP')) return numbers((random) => (random() > 0 ? 1 : 0));
  return numbers(normal);
}

/** Box and Muller 1958. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(between(random, Number.EPSILON, 1)));
  return radius * Math.cos(between(random, 0, 2 * Math.PI));
}
