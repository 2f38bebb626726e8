import { type Progress, plainProgress, terminalProgress } from '../ui/progress.ts';
import { COLORED, PLAIN } from '../ui/style.ts';

/** How the demo tells its story: chapters, facts that held, and one line of progress between. */
export interface Screen {
  chapter(title: string): void;
  /** A line of the story. */
  tell(text: string): void;
  /** Something that was checked and held. */
  held(text: string): void;
  failed(text: string): void;
  progress(label: string, share: number): void;
  /** Title of the chapter under way. */
  readonly current: string;
  /** Checks so far. */
  readonly checks: readonly Check[];
}

export interface Check {
  readonly chapter: string;
  readonly text: string;
  readonly held: boolean;
  /** Seconds since the demo began. */
  readonly at: number;
}

export function terminalScreen(out: NodeJS.WriteStream, color: boolean): Screen {
  const style = color ? COLORED : PLAIN;
  const live: Progress = out.isTTY ? terminalProgress(out) : plainProgress(out);
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const checks: Check[] = [];
  let chapter = '';
  let chapters = 0;
  const line = (text: string) => {
    live.clear();
    out.write(`${text}\n`);
  };
  const check = (text: string, held: boolean) => {
    checks.push({ chapter, text, held, at: seconds() });
    const mark = held ? style.good('✔') : style.bad('✘');
    line(`  ${mark} ${text}  ${style.dim(`${seconds().toFixed(1)} s`)}`);
  };
  return {
    chapter: (title) => {
      chapter = title;
      chapters++;
      line(`\n${style.bold(`${chapters}. ${title}`)}`);
    },
    tell: (text) => line(`    ${text}`),
    held: (text) => check(text, true),
    failed: (text) => check(text, false),
    progress: (label, share) => live.update(label, share),
    checks,
    get current() {
      return chapter;
    },
  };
}
