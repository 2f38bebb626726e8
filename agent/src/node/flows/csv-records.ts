/** Characters of one record. */
const MOST = 1 << 20;

/**
 * Cuts text into the records of CSV (RFC 4180): lines, and further ones while a quote is open. Each is
 * given as soon as its line ends, which matters where a sensor writes one a minute; empty ones are not.
 *
 * @param tooLong told of a record that is left out
 */
export async function* csvRecords(
  input: AsyncIterable<string>,
  tooLong: (limit: number) => void,
  most = MOST,
): AsyncGenerator<string> {
  let record = '';
  let quotes = 0;
  let skipping = false;

  function* take(part: string, ends: boolean): Generator<string> {
    if (!skipping) {
      record += part;
      quotes += part.split('"').length - 1;
    }
    if (record.length > most) {
      tooLong(most);
      skipping = true;
      record = '';
      quotes = 0;
    }
    if (!ends) return;
    if (!skipping && quotes % 2 === 1) {
      record += '\n';
      return;
    }
    const whole = record.replace(/\r$/, '');
    record = '';
    quotes = 0;
    skipping = false;
    if (whole.trim() !== '') yield whole;
  }

  let first = true;
  for await (const chunk of input) {
    const lines = (first ? chunk.replace(/^\ufeff/, '') : chunk).split('\n');
    first = false;
    for (const [i, line] of lines.entries()) yield* take(line, i < lines.length - 1);
  }
  // the end of the text ends the last line, and a quote that was never closed
  quotes = 0;
  yield* take('', true);
}
