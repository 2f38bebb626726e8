/** Ends of what belongs together. */
const PHRASE = /[,;:] | (?=\()/g;
/** Spaces, but for those between a number and its unit. */
const SPACE = / (?![%×]|(?:ms|[KMG]?B)\b)/g;
/** Marks within paths and identifiers. */
const MARK = /[^\p{L}\p{N}]/gu;

/**
 * Text in lines of at most `width` characters: broken after a phrase where that fills a third of a
 * line, else at its last space, after a mark in a path or an identifier, or anywhere.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while ([...rest].length > width) {
    const characters = [...rest];
    const at = breakOf(rest, width);
    lines.push(characters.slice(0, at).join('').trimEnd());
    rest = characters.slice(at).join('').trimStart();
  }
  return [...lines, rest];
}

/** How many characters go into a line; the space that ends it may stand beyond its width. */
function breakOf(text: string, width: number): number {
  const phrase = lastEnd(text, PHRASE, width + 1);
  if (phrase > width / 3) return phrase;
  return lastEnd(text, SPACE, width + 1) || lastEnd(text, MARK, width) || width;
}

/** Where the last match up to `most` characters ends; 0 where there is none behind the first. */
function lastEnd(text: string, pattern: RegExp, most: number): number {
  const ends = [...text.matchAll(pattern)]
    .filter(({ index }) => index > 0)
    .map(({ index, 0: { length } }) => [...text.slice(0, index + length)].length);
  return ends.findLast((end) => end <= most) ?? 0;
}
