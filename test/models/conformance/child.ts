import type { Case } from './archive.ts';
import { checkCase, type Outcome } from './check-case.ts';

/** What `runLimited` calls: cases run here, so that one that makes the runtime abort ends only this. */
export async function run(
  cases: readonly Case[],
  report: (outcome: Outcome) => void,
): Promise<number> {
  for (const each of cases) report(await checkCase(each));
  return cases.length;
}
