import { readFile, stat } from 'node:fs/promises';
import { readJson } from '@flotilla/protocol';
import type { BundleReport } from './take-bundles.ts';

const MAX_REPORT_BYTES = 4 << 20;
/** Optimizing writes one report for all bundles of a model. */
const MAX_REPORTS = 16;
const NO_REPORT: BundleReport = { withinBudget: true, report: {} };

/**
 * What `flotilla optimize --json` said of bundles that are pushed ready, by their digest. A file
 * that is no such report, or too large for one, says nothing.
 */
export async function readReports(
  files: readonly string[],
): Promise<(digest: string) => BundleReport> {
  const reports = new Map<string, BundleReport>();
  for (const file of files.slice(0, MAX_REPORTS)) {
    if ((await stat(file)).size > MAX_REPORT_BYTES) continue;
    const json = readJson(await readFile(file), { maxBytes: MAX_REPORT_BYTES });
    const { variants } = (json.ok ? json.value : {}) as { variants?: unknown };
    for (const report of Array.isArray(variants) ? variants : []) addReport(reports, report);
  }
  return (digest) => reports.get(digest) ?? NO_REPORT;
}

function addReport(reports: Map<string, BundleReport>, report: unknown): void {
  if (typeof report !== 'object' || report === null) return;
  const { digest, accuracy } = report as { digest?: unknown; accuracy?: { passed?: unknown } };
  if (typeof digest !== 'string') return;
  reports.set(digest, { withinBudget: accuracy?.passed !== false, report });
}
