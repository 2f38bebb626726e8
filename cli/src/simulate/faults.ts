import { FlotillaError } from '@flotilla/protocol';
import { chanceOf } from './chance.ts';
import { isStep, type StepName } from './steps.ts';

/**
 * What may be wrong with a device, and how it is written: a share of the devices (`fail=30%`), or an
 * amount and the share of the devices that have it (`slow=1.3@10%`, `errors=5%@10%`, without a share
 * all). A factor is any number, a part is at most 1. What follows a colon says more.
 */
export const FAULTS = {
  fail: { takes: 'share', more: ['step', 'code'], doc: 'the attempt fails in a step (selfTest)' },
  stuck: { takes: 'share', more: ['step'], doc: 'begins, and never ends (download)' },
  silent: { takes: 'share', more: [], doc: 'never answers a deployment' },
  lie: { takes: 'share', more: [], doc: 'says it has committed and runs what it ran before' },
  crash: { takes: 'share', more: ['seconds'], doc: 'dies again and again while it runs (10 s)' },
  offline: { takes: 'share', more: ['seconds'], doc: 'is away when it is asked (60 s)' },
  flap: { takes: 'share', more: ['seconds'], doc: 'loses its connection again and again (15 s)' },
  clock: { takes: 'share', more: ['seconds'], doc: 'its clock is ahead (3 days)' },
  slow: { takes: 'factor', more: [], doc: 'factor on the time of an inference' },
  heavy: { takes: 'factor', more: [], doc: 'factor on the memory that it takes' },
  unsure: { takes: 'part', more: [], doc: 'drop of the mean confidence' },
  wrong: { takes: 'part', more: [], doc: 'drop of the share of right answers' },
  errors: { takes: 'part', more: [], doc: 'share of inferences that fail' },
} as const satisfies Record<string, FaultKindRow>;

interface FaultKindRow {
  readonly takes: 'share' | 'factor' | 'part';
  readonly more: readonly ('step' | 'code' | 'seconds')[];
  readonly doc: string;
}

export type FaultKind = keyof typeof FAULTS;

export interface Fault {
  readonly kind: FaultKind;
  /** Of the devices that have it, from 0 to 1. */
  readonly share: number;
  /** Factor, drop or rate, by kind; 0 where the kind has none. */
  readonly amount: number;
  readonly step: StepName;
  readonly code: string;
  readonly seconds: number;
}

/** Faults of one version (`parts@4`), of a model, or of whatever runs (an empty model). */
export interface FaultRule {
  readonly model: string;
  /** 0: any. */
  readonly version: number;
  readonly faults: readonly Fault[];
}

const DEFAULTS: Readonly<Partial<Record<FaultKind, Partial<Fault>>>> = {
  fail: { step: 'selfTest' },
  stuck: { step: 'download' },
  crash: { seconds: 10 },
  offline: { seconds: 60 },
  flap: { seconds: 15 },
  clock: { seconds: 3 * 86_400 },
};

/** Codes that an agent gives where the step fails. */
const CODES: Readonly<Record<StepName, string>> = {
  download: 'download.failed',
  verify: 'trust.unknown-target',
  selfTest: 'deployment.self-test-failed',
  activate: 'deployment.load-timeout',
  watch: 'deployment.errors',
  commit: 'storage.full',
};

/**
 * Rules as text: `parts@4: fail=30%, slow=1.3@10%; offline=5%`.
 *
 * @throws FlotillaError `simulate.faults` with what is wrong and where
 */
export function parseFaults(text: string): FaultRule[] {
  return text
    .split(';')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [, subject = '', list = ''] =
        /^\s*(?:([\w.-]+(?:@\w+)?)\s*:(?=\s))?(.*)$/s.exec(part) ?? [];
      const faults = list.split(',').map((item) => {
        const [kind = '', ...value] = item.split('=').map((word) => word.trim());
        return parseFault(kind, value.join('='), item.trim());
      });
      return { ...parseSubject(subject), faults };
    });
}

/**
 * The same from a YAML file: `parts@4: { fail: 30%, slow: 1.3@10% }`, `all: { offline: 5% }`.
 *
 * @throws FlotillaError `simulate.faults`
 */
export function faultsOf(document: unknown): FaultRule[] {
  if (!isRecord(document)) throw wrong('', 'the file holds no versions with their faults');
  return Object.entries(document).map(([subject, faults]) => {
    if (!isRecord(faults)) throw wrong(subject, 'it has no faults, such as fail: 30%');
    return {
      ...parseSubject(subject === 'all' ? '' : subject),
      faults: Object.entries(faults).map(([kind, value]) =>
        parseFault(kind, String(value), `${kind}: ${String(value)}`),
      ),
    };
  });
}

function parseSubject(subject: string): Pick<FaultRule, 'model' | 'version'> {
  const [model = '', ...rest] = subject.split('@');
  if (rest.length === 0) return { model, version: 0 };
  const version = rest.join('@');
  if (!/^[1-9]\d{0,8}$/.test(version)) throw wrong(subject, 'the version is no number from 1');
  return { model, version: Number(version) };
}

function parseFault(kind: string, value: string, where: string): Fault {
  if (!isFaultKind(kind)) {
    throw wrong(where, `there is no such fault; there are ${Object.keys(FAULTS).join(', ')}`);
  }
  const row: FaultKindRow = FAULTS[kind];
  const [first = '', ...more] = value.split(':').map((word) => word.trim());
  if (more.length > row.more.length) throw wrong(where, 'too much after a colon');
  const fault = { kind, share: 1, amount: 0, seconds: 0, step: 'selfTest', code: '' } as const;
  const said = Object.assign({}, ...more.map((word, i) => parseMore(row.more[i], word, where)));
  const made: Fault = {
    ...fault,
    ...DEFAULTS[kind],
    ...parseFirst(row.takes, first, where),
    ...said,
  };
  return made.code === '' ? { ...made, code: CODES[made.step] } : made;
}

function parseFirst(takes: FaultKindRow['takes'], text: string, where: string): Partial<Fault> {
  if (takes === 'share') return { share: parseShare(text, where) };
  const [amount = '', ...rest] = text.split('@');
  const part = takes === 'part' || amount.endsWith('%');
  const number = part ? parseShare(amount, where) : decimalOf(amount);
  if (!(number <= 1000)) throw wrong(where, 'the amount is no number');
  return { amount: number, ...(rest.length > 0 && { share: parseShare(rest.join('@'), where) }) };
}

function parseShare(text: string, where: string): number {
  const [, number = '', percent = ''] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (percent === '' ? 1 : 100);
  if (number === '' || share > 1) throw wrong(where, 'give a share such as 30% or 0.3');
  return share;
}

/** Without a sign, an exponent or another base; NaN where the text is no such number. */
const decimalOf = (text: string): number =>
  /^(\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;

function parseMore(
  what: FaultKindRow['more'][number] | undefined,
  word: string,
  where: string,
): Partial<Fault> {
  if (word === '') throw wrong(where, 'there is nothing after the colon');
  if (what === 'step') {
    if (!isStep(word)) throw wrong(where, `${word} is no step of a deployment`);
    return { step: word };
  }
  if (what === 'code') return { code: word.slice(0, 80) };
  const seconds = decimalOf(word);
  if (!(seconds > 0 && seconds <= 1e8)) throw wrong(where, `${word} is no number of seconds`);
  return { seconds };
}

const isFaultKind = (kind: string): kind is FaultKind => Object.hasOwn(FAULTS, kind);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const wrong = (where: string, reason: string) =>
  new FlotillaError('simulate.faults', { where, reason });

/** What is wrong with a device while it takes or runs a version; undefined where nothing of that kind is. */
export type FindFault = (kind: FaultKind, model: string, version: number) => Fault | undefined;

/**
 * Which faults a device has follows from the seed and its number, so the same fleet is ill in the
 * same way in each run, and a device that is ill with one version may be well with the next.
 */
export function faultsOfDevice(
  rules: readonly FaultRule[],
  seed: number,
  device: number,
): FindFault {
  return (kind, model, version) => {
    for (const rule of rules) {
      if (rule.model !== '' && rule.model !== model) continue;
      if (rule.version !== 0 && rule.version !== version) continue;
      const fault = rule.faults.find(
        (one) =>
          one.kind === kind && chanceOf(seed, device, kind, rule.model, rule.version) < one.share,
      );
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}
