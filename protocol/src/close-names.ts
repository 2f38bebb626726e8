/** Edits by which a name may differ from one that was meant. */
const MAX_EDITS = 3;

/** Longer names are compared by their beginnings. */
const MAX_LENGTH = 80;

/** Up to three of the names that are most like `name`, in words: `"conv1" or "conv2"`. */
export function closeNames(name: string, known: Iterable<string>): string {
  return scored(name, known)
    .slice(0, 3)
    .map(([each]) => JSON.stringify(each))
    .join(' or ');
}

/** The name that was most likely meant: most of its letters are those of `name`. */
export function closestName(name: string, known: Iterable<string>): string | undefined {
  const [first] = scored(name, known);
  return first !== undefined && first[1] <= Math.ceil(name.length / 3) ? first[0] : undefined;
}

/** The names that are like `name`, with their distance, the nearest first. */
function scored(name: string, known: Iterable<string>): (readonly [string, number])[] {
  const wanted = name.toLowerCase().slice(0, MAX_LENGTH);
  return [...new Set(known)]
    .filter((each) => each !== '')
    .map((each) => [each, closeness(wanted, each.toLowerCase().slice(0, MAX_LENGTH))] as const)
    .filter(([, edits]) => edits <= MAX_EDITS)
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
}

/** 0.5 where one name holds the other, otherwise their edit distance. */
function closeness(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length > 2 && b.includes(a)) return 0.5;
  return Math.abs(a.length - b.length) > MAX_EDITS ? Infinity : editDistance(a, b);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, swapped));
    }
    row = next;
  }
  return row[b.length]!;
}
