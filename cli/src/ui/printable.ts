/** Control characters, and marks that reorder or hide what stands beside them (Unicode, Cc and Cf). */
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}]/gu;

/** Text as a terminal may get it: names from models and servers shall not command it. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd');
}
