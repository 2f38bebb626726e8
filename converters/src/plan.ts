import type { Precision } from '@flotilla/protocol';
import { type TargetProfile, targetById } from '@flotilla/targets';
import { isCalibrated, isMakeable, MAKEABLE } from './precisions.ts';
import type { Scheme } from './quantize/scheme.ts';
import { type Recipe, readRecipe } from './recipe.ts';
import type { ConvertRequest } from './request.ts';
import { isFixed, settledScheme } from './search/schemes.ts';
import { invalid, type Settings, SYNTHETIC, settingsOf } from './settings.ts';

/** What is to be made for one target. */
export interface Goal {
  readonly profile: TargetProfile;
  /** Precisions that may be handed over, in order of preference. */
  readonly precisions: readonly Precision[];
  /** True where the fastest of them is wanted, not one of each. */
  readonly auto: boolean;
  /** One scheme for each precision where nothing is left to search. */
  readonly settled: readonly Scheme[] | undefined;
  /** What was asked for and the target does not run: nothing is made of it. */
  readonly refused: readonly Precision[];
}

/** A request, read and checked. */
export interface Plan {
  readonly request: ConvertRequest;
  readonly settings: Settings;
  readonly goals: readonly Goal[];
  /** What the variant is made by, where nothing is searched. */
  readonly recipe: Recipe | undefined;
  /** Whether samples are set apart to calibrate, and to choose settings by. */
  readonly needsCalibration: boolean;
  readonly needsChoice: boolean;
}

/** @throws FlotillaError naming the field or file of the request at fault */
export async function planConversion(request: ConvertRequest): Promise<Plan> {
  const settings = settingsOf(request);
  if (request.recipeFile !== undefined) {
    return replay(request, settings, await readRecipe(request.recipeFile));
  }
  const goals = goalsOf(request, settings);
  const [reason] = goals.flatMap(refusals);
  const nothing = goals.every(({ precisions }) => precisions.length === 0);
  if (nothing && reason !== undefined) throw invalid('precisions', `can give nothing: ${reason}`);
  const needsCalibration = goals.some(({ precisions }) => precisions.some(isCalibrated));
  const needsChoice = goals.some(({ settled }) => settled === undefined);
  return { request, settings, goals, recipe: undefined, needsCalibration, needsChoice };
}

/** A line for each precision that was asked for and that the target does not run. */
export function refusals({ profile, refused }: Goal): string[] {
  const { id, name, precisions } = profile;
  return refused.map(
    (each) => `${id}: ${name} does not run ${each}: ask for ${precisions.join(', ')}`,
  );
}

function goalsOf({ targets, precisions: asked }: ConvertRequest, { fixed }: Settings): Goal[] {
  return [...new Set(targets)].map((target) => {
    const profile = targetById(target);
    if (asked === 'auto') {
      const { precisions } = profile;
      return { profile, precisions, auto: true, settled: undefined, refused: [] };
    }
    const wanted = [...new Set(asked)].map(known);
    const precisions = wanted.filter((precision) => profile.precisions.includes(precision));
    const refused = wanted.filter((precision) => !precisions.includes(precision));
    const settled = isFixed(precisions, fixed)
      ? precisions.map((precision) => settledScheme(precision, profile, fixed))
      : undefined;
    return { profile, precisions, auto: false, settled, refused };
  });
}

/** A request comes as JSON: its words may be any. */
function known(precision: Precision): Precision {
  if (isMakeable(precision)) return precision;
  throw invalid('precisions', `${precision} cannot be made; use one of ${MAKEABLE.join(', ')}`);
}

/** @throws FlotillaError `convert.request-invalid` where another target is asked for */
function replay(request: ConvertRequest, settings: Settings, recipe: Recipe): Plan {
  const { target, scheme, data } = recipe;
  const other = request.targets.find((asked) => asked !== target);
  if (other !== undefined) {
    throw invalid('targets', `names ${other}, and the recipe is for ${target}: ask for that`);
  }
  checkAgainst(request, recipe);
  const { seed, maxCalibration, maxChoice, maxEvaluation, needsCalibration, needsChoice } = data;
  const precisions = [scheme.precision];
  return {
    request: { ...request, ...chosenIn(recipe), precisions },
    settings: {
      ...settings,
      ...(data.synthetic ? { calibration: SYNTHETIC } : {}),
      seed,
      maxCalibration,
      maxChoice,
      maxEvaluation,
    },
    goals: [
      { profile: targetById(target), precisions, auto: false, settled: [scheme], refused: [] },
    ],
    recipe,
    needsCalibration,
    needsChoice,
  };
}

/** What a request says must be what the recipe says, where it says anything. */
function checkAgainst(request: ConvertRequest, { scheme, data }: Recipe): void {
  const { precision } = scheme;
  const { precisions } = request;
  if (precisions !== 'auto' && precisions.some((asked) => asked !== precision)) {
    throw invalid('precisions', `differ from the recipe's, ${precision}: leave them out`);
  }
  for (const field of ['seed', 'maxCalibration', 'maxChoice', 'maxEvaluation'] as const) {
    const asked = request[field];
    if (asked === undefined || asked === data[field]) continue;
    throw invalid(field, `is ${asked}, and ${data[field]} in the recipe: leave it out`);
  }
}

/** What is left out of a request and what is empty in a recipe mean the same. */
function chosenIn({ passes, keep, fixShape, cut }: Recipe): Partial<ConvertRequest> {
  const shapes = Object.keys(fixShape).length > 0 ? { fixShape } : {};
  return { passes, keep, ...shapes, ...(Object.keys(cut).length > 0 ? { cut } : {}) };
}
