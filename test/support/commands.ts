import { readFile } from 'node:fs/promises';
import type { CommandName } from './programs.ts';

/** A command as documentation shows it. */
export interface ShownCommand {
  readonly where: string;
  readonly program: CommandName;
  readonly args: readonly string[];
}

const FENCE = /^```(?:sh|bash|console|)\n([\s\S]*?)^```/gm;
const LINE = /^\s*(?:npx )?(flotilla|flotilla-agent)\s(.*)$/;

/** Every command of ours in the code blocks of a Markdown file, block by block. */
export async function commandsOf(file: string, name: string): Promise<ShownCommand[][]> {
  const text = await readFile(file, 'utf8');
  const blocks = [...text.matchAll(FENCE)].map(([, block = '']) => commandsIn(block, name));
  return blocks.filter((block) => block.length > 0);
}

/** Every command of ours in lines of a shell; what `&&` and `|` join is apart. */
export function commandsIn(text: string, where: string): ShownCommand[] {
  const lines = text.replace(/\\\n\s*/g, ' ').split('\n');
  return lines
    .flatMap((line) => line.split(/ (?:&&|\||>) /))
    .flatMap((line) => {
      const [, program, rest = ''] = LINE.exec(line) ?? [];
      if (program === undefined) return [];
      return [{ where, program: program as CommandName, args: words(rest) }];
    });
}

/** Words of a shell line, without its comment; quotes are as simple as ours are. */
function words(line: string): string[] {
  const found = line.matchAll(/'([^']*)'|"([^"]*)"|(\s#.*$)|([^\s'"]+)/g);
  return [...found]
    .filter(([, , , comment]) => comment === undefined)
    .map(([, single, double, , plain]) => single ?? double ?? plain ?? '');
}
