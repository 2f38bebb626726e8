import { runLimited } from '@flotilla/model/node';
import type { Case } from './archive.ts';
import type { Outcome } from './check-case.ts';

const CHILDREN = 2;
const TIMEOUT_MS = 280_000;
/** More lost processes than this say nothing of single cases. */
const MOST_CRASHES = 20;

/** Checks cases in child processes; one that ends its process is named, and the others go on. */
export async function checkAll(cases: readonly Case[]): Promise<Outcome[]> {
  const share = Math.ceil(cases.length / CHILDREN);
  const shares = Array.from({ length: CHILDREN }, (_, i) =>
    cases.slice(i * share, (i + 1) * share),
  );
  return (await Promise.all(shares.map(checkShare))).flat();
}

async function checkShare(cases: readonly Case[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let crashes = 0;
  while (outcomes.length < cases.length) {
    try {
      await runLimited<number, Outcome>({
        script: new URL('./child.ts', import.meta.url),
        name: 'the conformance suite',
        input: cases.slice(outcomes.length),
        timeoutMs: TIMEOUT_MS,
        onProgress: (outcome) => outcomes.push(outcome),
      });
    } catch (error) {
      crashes += 1;
      if (crashes > MOST_CRASHES) throw error;
      const name = cases[outcomes.length]?.name ?? '';
      const reason = error instanceof Error ? error.message : String(error);
      outcomes.push({ name, result: 'wrong', reason });
    }
  }
  return outcomes;
}
