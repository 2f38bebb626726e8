/** Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** How long things took, by upper bounds. */
export interface Distribution {
  readonly labels: Labels;
  /** Things in each bucket alone, in the order of the bounds, and after them all that took longer. */
  readonly counts: readonly number[];
  readonly sum: number;
}

interface Described {
  readonly name: string;
  readonly help: string;
}

export type Metric =
  | (Described & { readonly type: 'counter' | 'gauge'; readonly samples: readonly Sample[] })
  | (Described & {
      readonly type: 'histogram';
      readonly bounds: readonly number[];
      readonly distributions: readonly Distribution[];
    });

export function writeExposition(metrics: readonly Metric[]): string {
  return metrics.map(writeMetric).join('');
}

function writeMetric(metric: Metric): string {
  const { name, help, type } = metric;
  const samples =
    metric.type === 'histogram'
      ? metric.distributions.flatMap((one) => bucketLines(name, metric.bounds, one))
      : metric.samples.map(({ labels, value }) => line(name, labels, value));
  if (samples.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('')}`;
}

/** Buckets count all that is below their bound. */
function bucketLines(name: string, bounds: readonly number[], one: Distribution): string[] {
  const { labels, counts, sum } = one;
  let below = 0;
  const buckets = counts.map((count, i) => {
    below += count;
    const le = String(bounds[i] ?? '+Inf');
    return line(`${name}_bucket`, { ...labels, le }, below);
  });
  return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, below)];
}

function line(name: string, labels: Labels = {}, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
}

const escaped = (text: string): string =>
  text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
