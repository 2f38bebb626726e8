import type { Style } from './style.ts';

/** A picture of several lines on a terminal that is drawn over in place. */
export interface Live {
  readonly style: Style;
  readonly columns: number;
  readonly rows: number;
  /** Lines no wider than `columns`; those beyond `rows` are left out. */
  draw(lines: readonly string[]): void;
  /** Leaves the last picture as it is and goes on below it. */
  end(): void;
}

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[J';

/** @param stream a terminal */
export function terminalLive(stream: NodeJS.WriteStream, style: Style): Live {
  let drawn = 0;
  return {
    style,
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    draw(lines) {
      // the cursor stands below the picture: the last row of the terminal is its own
      const shown = lines.slice(0, Math.max(1, this.rows - 1));
      const back = drawn === 0 ? HIDE : `\u001b[${drawn}A\r`;
      const text = shown.map((line) => `${CLEAR_LINE}${line}\n`).join('');
      stream.write(`${back}${text}${CLEAR_BELOW}`);
      drawn = shown.length;
    },
    end() {
      if (drawn > 0) stream.write(SHOW);
      drawn = 0;
    },
  };
}
