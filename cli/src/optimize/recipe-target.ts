import { readFile } from 'node:fs/promises';
import { FlotillaError } from '@flotilla/protocol';

/**
 * The target that a recipe names, unchecked: whoever makes the variant reads the whole of it.
 *
 * @throws FlotillaError `cli.usage` without a recipe, `convert.recipe-invalid`
 */
export async function targetOfRecipe(file: string | undefined): Promise<string> {
  if (file === undefined) {
    const reason = '--target is missing: name hardware targets, which flotilla targets lists';
    throw new FlotillaError('cli.usage', { reason });
  }
  const fail = (reason: string, cause?: unknown): never => {
    throw new FlotillaError('convert.recipe-invalid', { file, reason }, { cause });
  };
  const text = await readFile(file, 'utf8').catch((cause) => fail('it cannot be read', cause));
  return targetIn(text) ?? fail('it names no target');
}

function targetIn(text: string): string | undefined {
  try {
    const recipe: unknown = JSON.parse(text);
    const isRecipe = typeof recipe === 'object' && recipe !== null && 'target' in recipe;
    return isRecipe && typeof recipe.target === 'string' ? recipe.target : undefined;
  } catch {
    return undefined;
  }
}
