import type { Candidate, ConvertResult, TargetSearch, VariantReport } from '@flotilla/converters';
import { byteCount, milliseconds, percent, table } from '../ui/table.ts';

/** What a person reads after an optimization: what was tried, what was made, what to look at. */
export function summarize(result: ConvertResult, reportFile: string, columns: number): string {
  const { model, version, variants, searches, warnings } = result;
  const own = variants.flatMap(({ target, precision, warnings: texts }) =>
    texts.map((text) => `${target} ${precision}: ${text}`),
  );
  return [
    `${model} ${version}: ${graphText(result)}`,
    ...searches.map((search) => searchText(search, columns)),
    variantsTable(variants, columns),
    variants.map(fileText).join('\n'),
    [...warnings, ...own].map((line) => `! ${line}`).join('\n'),
    `report: ${reportFile}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function graphText({ graph: { before, after }, data }: ConvertResult): string {
  const samples = `${data.calibration} calibrated${data.synthetic ? ' (synthetic)' : ''}, ${data.choice} chose, ${data.evaluation} judged`;
  return `${before.nodes} → ${after.nodes} nodes, ${byteCount(before.bytes)} → ${byteCount(after.bytes)}; samples: ${samples}`;
}

/** Candidates beyond this many are in the report alone. */
const MOST_CANDIDATES = 12;

function searchText({ target, candidates, verdict }: TargetSearch, columns: number): string {
  if (candidates.length < 2) return `${target}: ${verdict}`;
  const shown = mostTelling(candidates);
  const rest = candidates.length - shown.length;
  const rows = shown.map((candidate) => {
    const { name, quality, latencyMs, bytes } = candidate;
    return [
      mark(candidate),
      name,
      `${quality.lost}, ${quality.won}`,
      percent(quality.agreement),
      quality.kl.toFixed(5),
      milliseconds(latencyMs.variant),
      `${(latencyMs.variant / latencyMs.fp32).toFixed(2)} ×`,
      byteCount(bytes),
    ];
  });
  const head = ['', target, 'lost, won', 'agreement', 'KL', 'latency', 'of fp32', 'size'];
  const more = rest > 0 ? `\n${rest} more in the report` : '';
  return `${table(head, rows, columns)}${more}\n${LEGEND}\n${verdict}`;
}

/** Those that a choice could fall on first, in the order they were tried. */
function mostTelling(candidates: readonly Candidate[]): Candidate[] {
  const weight = ({ chosen, onFront, withinBudget }: Candidate): number =>
    chosen ? 3 : onFront ? 2 : withinBudget ? 1 : 0;
  const best = candidates.toSorted((a, b) => weight(b) - weight(a)).slice(0, MOST_CANDIDATES);
  return candidates.filter((candidate) => best.includes(candidate));
}

const LEGEND = '● chosen  ○ on the front  ✗ outside the budget';

function mark({ chosen, onFront, withinBudget }: Candidate): string {
  if (chosen) return '●';
  if (!withinBudget) return '✗';
  return onFront ? '○' : ' ';
}

function variantsTable(variants: readonly VariantReport[], columns: number): string {
  const rows = variants.map((variant) => [
    variant.target,
    variant.precision,
    byteCount(variant.bytes),
    accuracyText(variant),
    percent(variant.accuracy.agreement),
    latencyText(variant),
  ]);
  const head = ['target', 'precision', 'model', 'accuracy', 'agreement', 'latency'];
  return table(head, rows, columns);
}

/** On lines of their own: paths are long. */
function fileText({ target, precision, file }: VariantReport): string {
  return file ?? `${target} ${precision}: not written`;
}

function accuracyText({ accuracy }: VariantReport): string {
  if (accuracy.metric === 'agreement') return 'no labels';
  const pairs = `${accuracy.lost} lost, ${accuracy.won} won`;
  return `${percent(accuracy.fp32)} → ${percent(accuracy.variant)} (${pairs})`;
}

function latencyText({ latencyMs }: VariantReport): string {
  const ratio = (latencyMs.variant / latencyMs.fp32).toFixed(2);
  const source = latencyMs.estimated ? 'estimated' : 'measured';
  return `${milliseconds(latencyMs.variant)}, ${ratio} × fp32, ${source}`;
}
