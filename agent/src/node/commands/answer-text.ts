/** The part of an inference answer that a person is shown. */
export interface Answer {
  readonly model_version: string;
  readonly parameters?: { readonly latency_us?: number };
  readonly outputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: readonly unknown[];
  }[];
}

type DataOf = (name: string) => readonly unknown[] | undefined;

/** Boxes that are shown; the rest is counted. */
const SHOWN = 20;

/** What a model said of one file: a line, and one more for each box of a detection. */
export function answerText(file: string, { outputs, parameters, model_version }: Answer): string {
  const of: DataOf = (name) => outputs.find((output) => output.name === name)?.data;
  const ms = ((parameters?.latency_us ?? 0) / 1000).toFixed(1);
  const tail = `version ${model_version}, ${ms} ms`;
  const said = [...classText(of), ...valueText(of), ...anomalyText(of)];
  if (said.length > 0) return [`${file}: ${said.join('; ')} (${tail})`, ...boxLines(of)].join('\n');
  const shapes = outputs.map(({ name, shape }) => `${name} [${shape}]`).join(', ');
  return `${file}: ${shapes} (${tail}; --json prints the numbers)`;
}

function classText(of: DataOf): string[] {
  const [labels, boxes] = [of('label'), of('box')];
  if (!labels) return [];
  return boxes ? [`${labels.length} found`] : [sure(of, 0)];
}

/** The label and confidence of a class or a box. */
function sure(of: DataOf, i: number): string {
  const percent = (Number(of('confidence')?.[i]) * 100).toFixed(1);
  return `${of('label')?.[i]} ${percent} %`;
}

function boxLines(of: DataOf): string[] {
  const [labels = [], boxes] = [of('label'), of('box')];
  if (!boxes) return [];
  const lines = labels.slice(0, SHOWN).map((_, i) => {
    const [left, top, right, bottom] = boxes
      .slice(4 * i, 4 * i + 4)
      .map((n) => Math.round(Number(n)));
    return `  ${sure(of, i)} from ${left}, ${top} to ${right}, ${bottom}`;
  });
  const more = labels.length - lines.length;
  return more > 0 ? [...lines, `  and ${more} more (--json prints them)`] : lines;
}

function valueText(of: DataOf): string[] {
  const [values, names, units] = [of('value'), of('value_name'), of('unit')];
  const parts = (values ?? []).slice(0, SHOWN).map((value, i) => {
    const number = Number(Number(value).toPrecision(6));
    return [names?.[i], number, units?.[i]].filter((part) => part !== undefined).join(' ');
  });
  return parts.length === 0 ? [] : [parts.join(', ')];
}

function anomalyText(of: DataOf): string[] {
  const score = of('anomaly_score')?.[0];
  if (score === undefined) return [];
  const verdict = of('anomalous')?.[0] === true ? 'anomalous' : 'normal';
  return [`${verdict}, score ${Number(Number(score).toPrecision(4))}`];
}
