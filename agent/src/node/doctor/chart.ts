import type { Result } from './check.ts';

const WIDTH = 80;
/** Verdict and name, each with two spaces before it. */
const INDENT = 20;

/** What was found, in lines of at most 80 characters: verdict, name, finding, remedy. */
export function chartOf(results: readonly Result[]): string {
  const rows = results.flatMap((result) => {
    const remedy = result.verdict === 'ok' ? [] : wrap(result.remedy, '→ ');
    const [first = '', ...rest] = [...wrap(result.finding), ...remedy];
    const head = `  ${result.verdict.padEnd(4)}  ${result.name}`.padEnd(INDENT);
    return [head + first, ...rest.map((line) => ' '.repeat(INDENT) + line)];
  });
  return [...rows, '', summaryOf(results)].join('\n');
}

function summaryOf(results: readonly Result[]): string {
  const count = (verdict: Result['verdict']) =>
    results.filter((result) => result.verdict === verdict).length;
  return `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`;
}

/** Breaks at spaces; a word that is longer than a line is cut. */
function wrap(text: string, mark = ''): string[] {
  const width = WIDTH - INDENT - mark.length;
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text)
    .split(' ')
    .flatMap((word) => cut(word, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length > width) lines.push(line);
    line = longer.length > width ? word : longer;
  }
  return [...lines, line].map((part, i) => (i === 0 ? mark : ' '.repeat(mark.length)) + part);
}

const cut = (word: string, width: number): string[] =>
  word.length <= width ? [word] : [word.slice(0, width), ...cut(word.slice(width), width)];

/** Names of cameras and networks come from outside: they shall not command a terminal. */
const printable = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
