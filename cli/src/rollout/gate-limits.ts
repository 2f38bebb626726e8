import { LIMIT_KEYS } from '@flotilla/fleet-server/progress';
import { FlotillaError } from '@flotilla/protocol';

/** The setting that holds the limit of a gate. */
const LIMITS: Readonly<Record<string, string>> = LIMIT_KEYS;

/** Settings that belong to no single gate. */
const SHARED: Readonly<Record<string, string>> = {
  'min-inferences': 'minInferences',
  alpha: 'alpha',
};

/** Gates of a request, as far as they are said; the server knows their defaults and bounds. */
export type GatesRequest = Record<string, number | readonly string[]>;

/** `latency=20%`, `errors=0.02`, `drift=off`, `min-inferences=200`. @throws FlotillaError `cli.usage` */
export function readGates(texts: readonly string[]): GatesRequest {
  const gates: GatesRequest = {};
  const disabled: string[] = [];
  for (const text of texts) {
    const [, name = '', value = ''] = /^([a-z-]+)=(\S+)$/.exec(text.trim()) ?? [];
    const key = LIMITS[name] ?? SHARED[name];
    if (key === undefined) throw unknownGate(text);
    if (value === 'off' && name in LIMITS) disabled.push(name);
    else gates[key] = name in LIMITS ? readLimit(text, name, value) : readPlain(text, value);
  }
  return disabled.length === 0 ? gates : { ...gates, disabled };
}

/** A share as `0.2`, `20%`, or, of what rises, `1.2x`; a bare 20 would be 2000 %. */
function readLimit(text: string, name: string, value: string): number {
  if (!(Number(value) > 1)) return readPlain(text, value);
  const reason = `--gate ${text} is ${Number(value) * 100} %: did you mean ${name}=${value}%?`;
  throw new FlotillaError('cli.usage', { reason });
}

function readPlain(text: string, value: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(%|x)?$/.exec(value) ?? [];
  const number = Number(digits);
  if (digits !== undefined && unit === '%') return Number((number / 100).toPrecision(12));
  if (digits !== undefined && unit === 'x' && number >= 1) {
    return Number((number - 1).toPrecision(12));
  }
  if (digits !== undefined && unit === undefined) return number;
  throw new FlotillaError('cli.usage', {
    reason: `--gate takes a limit such as 0.2, 20%, 1.2x or off, not ${JSON.stringify(text)}`,
  });
}

function unknownGate(text: string): FlotillaError {
  const names = [...Object.keys(LIMITS), ...Object.keys(SHARED)].join(', ');
  return new FlotillaError('cli.usage', {
    reason: `--gate takes NAME=LIMIT, not ${JSON.stringify(text)}; names are ${names}`,
  });
}
