import { readFileSync } from 'node:fs';
import type { Outcome } from './check-case.ts';

/** Names of cases by the reason why nothing shows that passes leave their results alone. */
export type Uncovered = Readonly<Record<string, readonly string[]>>;

const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/abort/, 'makes ONNX Runtime abort the process'],
  [/Unsupported data type/, 'ONNX Runtime has no such element type'],
  [/official release/, 'of an opset later than any that ONNX Runtime knows'],
  [/sequence, map or optional/, 'takes or gives sequences, maps or optionals'],
  [/ is string;/, 'takes or gives strings'],
  [/ is u?int[24];/, 'takes or gives integers of less than 8 bits'],
  [/not a registered function/, 'of a domain that ONNX Runtime does not know'],
  [/find an implementation|find kernel/, 'ONNX Runtime has no kernel for these types'],
  [/Exception during init/, 'ONNX Runtime cannot set it up on this system'],
  [/failed while it ran/, 'ONNX Runtime fails to run it'],
  [/cannot be brought from opset/, 'its opset cannot be raised'],
];

/** The cases that are not covered, in order of name, by reason. */
export function uncoveredOf(outcomes: readonly Outcome[]): Uncovered {
  const uncovered: Record<string, string[]> = {};
  for (const { name, result, reason = '' } of outcomes) {
    if (result === 'right' || result === 'same') continue;
    const why = REASONS.find(([pattern]) => pattern.test(reason))?.[1] ?? reason;
    uncovered[why] ??= [];
    uncovered[why].push(name);
  }
  const reasons = Object.entries(uncovered).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(reasons.map(([why, names]) => [why, names.sort()]));
}

/** What was not covered when this was last looked at. */
export function listed(): Uncovered {
  const text = readFileSync(new URL('./uncovered.json', import.meta.url), 'utf8');
  const list: Uncovered = JSON.parse(text);
  return list;
}

export function namesIn(uncovered: Uncovered): string[] {
  return Object.values(uncovered).flat().sort();
}

/** For people: each reason with its cases. */
export function describeUncovered(uncovered: Uncovered): string {
  const lines = Object.entries(uncovered).map(([why, names]) => {
    const bare = names.map((name) => name.replace(/^node\/test_/, ''));
    return `  ${names.length} × ${why}: ${bare.join(', ')}`;
  });
  return [`${namesIn(uncovered).length} cases are not covered:`, ...lines].join('\n');
}
