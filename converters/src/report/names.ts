/**
 * Names short enough for a chart, cut in the middle: the end tells nodes of one block apart, the
 * start blocks of one model. Different names stay different, if need be by a number.
 *
 * @param most characters of a label
 */
export function shortened(names: readonly string[], most: number): string[] {
  const different = new Set(names).size;
  for (const share of HEADS) {
    const labels = names.map((name) => cut(name, Math.floor(share * (most - 1)), most));
    if (new Set(labels).size === different) return labels;
  }
  return names.map((name, i) => {
    const number = `${i + 1}: `;
    return number + cut(name, 0, most - number.length);
  });
}

/** Shares of a label that may hold the start of its name, the best to read first. */
const HEADS = [0.4, 0.5, 0.3, 0.6, 0.2, 0.7, 0.1, 0.8, 0];

/** By code points: half of a pair is no character. */
function cut(name: string, head: number, most: number): string {
  const characters = [...name];
  if (characters.length <= most) return name;
  const tail = characters.slice(characters.length - (most - 1 - head));
  return [...characters.slice(0, head), '…', ...tail].join('');
}
