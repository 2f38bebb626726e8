import { readFile, stat } from 'node:fs/promises';
import { type Digest, FlotillaError, sha256 } from '@flotilla/protocol';
import type { TargetId } from '@flotilla/targets';
import pkg from '../package.json' with { type: 'json' };
import type { DataItem } from './data/item.ts';
import type { Scheme } from './quantize/scheme.ts';
import { recipeFault } from './recipe-schema.ts';
import type { ConvertRequest, Cut } from './request.ts';
import type { Source } from './source.ts';

/** How a variant was made: with the same source and samples it can be made again, byte by byte. */
export interface Recipe {
  readonly schema: 1;
  readonly target: TargetId;
  readonly source: { readonly digest: Digest };
  readonly passes: readonly string[];
  readonly keep: readonly string[];
  readonly fixShape: NonNullable<ConvertRequest['fixShape']>;
  readonly cut: Cut;
  readonly scheme: Scheme;
  readonly data: DataDraw;
  readonly tools: { readonly flotilla: string; readonly onnxruntime: string };
}

/** How samples were drawn; the draw is repeated, and the digests say whether it found the same. */
export interface DataDraw {
  readonly seed: number;
  readonly maxCalibration: number;
  readonly maxChoice: number;
  readonly maxEvaluation: number;
  readonly synthetic: boolean;
  /** Whether some samples were set apart to calibrate and to choose settings by. */
  readonly needsCalibration: boolean;
  readonly needsChoice: boolean;
  readonly calibration: Drawn;
  readonly evaluation: Drawn;
}

interface Drawn {
  readonly samples: number;
  /** SHA-256 of their names, one a line, in order. */
  readonly names: Digest;
}

const MAX_BYTES = 2 ** 24;

export async function drawnOf(items: readonly DataItem[]): Promise<Drawn> {
  const names = items.map(({ name }) => `${name}\n`).join('');
  return { samples: items.length, names: await sha256(new TextEncoder().encode(names)) };
}

interface RecipeInput {
  readonly plan: { readonly request: ConvertRequest };
  readonly source: Pick<Source, 'digest' | 'runtime'>;
  readonly passes: readonly { readonly pass: string }[];
  readonly draw: DataDraw;
}

export function recipeOf(
  { plan, source, passes, draw }: RecipeInput,
  target: TargetId,
  scheme: Scheme,
): Recipe {
  const { keep = [], fixShape = {}, cut = {} } = plan.request;
  return {
    schema: 1,
    target,
    source: { digest: source.digest },
    passes: [...new Set(passes.map(({ pass }) => pass))],
    keep,
    fixShape,
    cut,
    scheme,
    data: draw,
    tools: { flotilla: pkg.version, onnxruntime: source.runtime.version },
  };
}

export function recipeText(recipe: Recipe): string {
  return `${JSON.stringify(recipe, null, 2)}\n`;
}

/** @throws FlotillaError `convert.recipe-invalid` naming the file */
export async function readRecipe(file: string): Promise<Recipe> {
  const fail = (reason: string): never => {
    throw new FlotillaError('convert.recipe-invalid', { file, reason });
  };
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile()) return fail('there is no such file');
  if (found.size > MAX_BYTES) return fail(`it is larger than ${MAX_BYTES} B`);
  const text = await readFile(file, 'utf8');
  const recipe = parsed(text) ?? fail('it is not JSON');
  if (recipe.schema !== 1) fail('its schema is not 1, the only one known here');
  const fault = recipeFault(recipe);
  return fault === undefined ? recipe : fail(fault);
}

function parsed(text: string): Recipe | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Recipe) : undefined;
  } catch {
    return undefined;
  }
}

/** What of a recipe does not hold here, so that the bytes will differ. */
export function differences(
  recipe: Recipe | undefined,
  source: Pick<Source, 'digest' | 'runtime'>,
  draw: DataDraw,
): string[] {
  if (recipe === undefined) return [];
  const other = (a: Drawn | undefined, b: Drawn) => a?.names !== b.names;
  const { onnxruntime } = recipe.tools;
  const { version } = source.runtime;
  return [
    ...(onnxruntime === version
      ? []
      : [
          `the recipe was made with ONNX Runtime ${onnxruntime}, this is ${version}: the bytes may differ`,
        ]),
    ...(recipe.source?.digest === source.digest
      ? []
      : ['the recipe was made for another model file']),
    ...(other(recipe.data.calibration, draw.calibration)
      ? ['the recipe was made with other calibration samples']
      : []),
    ...(other(recipe.data.evaluation, draw.evaluation)
      ? ['the recipe was judged on other samples']
      : []),
  ];
}
