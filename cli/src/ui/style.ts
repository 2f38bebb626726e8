/** How text on a terminal is set off; plain where there is none. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly busy: (text: string) => string;
}

const plain = (text: string) => text;
const ansi = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;

export const PLAIN: Style = {
  bold: plain,
  dim: plain,
  good: plain,
  bad: plain,
  warn: plain,
  busy: plain,
};
export const COLORED: Style = {
  bold: ansi(1),
  dim: ansi(2),
  good: ansi(32),
  bad: ansi(31),
  warn: ansi(33),
  busy: ansi(36),
};
