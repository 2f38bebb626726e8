import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { targetOfRecipe } from './recipe-target.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-recipe-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function targetOf(text: string): Promise<string> {
  const file = join(folder, 'recipe.json');
  await writeFile(file, text);
  return targetOfRecipe(file);
}

it('is what the recipe says', async () => {
  expect(await targetOf('{"schema":1,"target":"x86-64"}')).toBe('x86-64');
});

it.each(['', '[]', 'null', '{"target":3}', '{}'])('is not in %j', async (text) => {
  await expect(targetOf(text)).rejects.toThrow('recipe.json is not a recipe: it names no target');
});

it('is asked for where there is no recipe, or none that can be read', async () => {
  await expect(targetOfRecipe(undefined)).rejects.toThrow('--target is missing: name hardware');
  await expect(targetOfRecipe(join(folder, 'none'))).rejects.toThrow('it cannot be read');
});
