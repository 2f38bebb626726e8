import { type Chance, createChance } from './chance.ts';
import { damage } from './damage.ts';
import { changeFields } from './fields.ts';
import { changeMeaning } from './meaning.ts';

/** The file of number `index` of a series: one of the seeds, changed in its bytes, fields or meaning. */
export function mutant(seeds: readonly Uint8Array[], seed: number, index: number): Uint8Array {
  const chance = createChance(seed * 1_000_003 + index);
  const [file, other] = [chance.pick(seeds), chance.pick(seeds)];
  return changed(file, chance, other);
}

function changed(file: Uint8Array, chance: Chance, other: Uint8Array): Uint8Array {
  switch (chance.below(5)) {
    case 0:
      return damage(file, chance, other);
    case 1:
      return changeFields(file, chance, other);
    case 2:
      return changeFields(changeMeaning(file, chance), chance, other);
    default:
      return changeMeaning(file, chance);
  }
}
