import { LIMIT_KEYS } from '../../rollouts/gates/limits.ts';
import { GATE_NAMES, type GateName, type GateSettings } from '../../rollouts/gates/types.ts';
import type { RolloutRequest } from '../../rollouts/settings.ts';
import type { Form, FormWindow } from './form.ts';
import { readTime } from './times.ts';

/** What is wrong with a form, by the field of the request. */
export type Faults = Readonly<Record<string, string>>;

export interface Asked {
  /** Undefined while no version is chosen, or where something is no number or time at all. */
  readonly request: RolloutRequest | undefined;
  readonly faults: Faults;
}

/**
 * The body of `POST /rollouts`. Only what cannot be put into one, or into the command line of the
 * same, is judged here: all else is the server's to judge.
 */
export function requestOf(form: Form, nowMs: number): Asked {
  const faults: Record<string, string> = {};
  const read = readers(faults);
  const { model, version, devices, kind, approval } = form;
  const request = defined({
    model,
    version: Number(version),
    devices: devices.trim() || undefined,
    waves: wavesOf(form),
    soakMs: read.time('soakMs', form.soak),
    maxInFlight: read.count('maxInFlight', form.maxInFlight),
    startMs: read.start(form.start, nowMs),
    maintenance:
      form.maintenance.length === 0 ? undefined : form.maintenance.map(read.maintenanceWindow),
    approval: approval === 'none' ? undefined : approval,
    priority: read.count('priority', form.priority),
    gates: filled(gatesOf(form, read)),
    kind: kind === 'update' ? undefined : kind,
    promote: kind === 'update' || form.promote === 'command' ? undefined : form.promote,
    shadow: kind === 'shadow' ? filled(shadowOf(form, read)) : undefined,
    ab: kind === 'ab' ? filled(abOf(form, read)) : undefined,
  }) as RolloutRequest;
  const ready = model !== '' && version !== '' && Object.keys(faults).length === 0;
  return { request: ready ? request : undefined, faults };
}

const CANARY_THEN = ['30%', '100%'];

function wavesOf({ shape, canary, waves }: Form): string[] | undefined {
  if (shape === 'usual') return undefined;
  if (shape === 'canary') return [canary.trim(), ...CANARY_THEN];
  return waves.split(',').map((wave) => wave.trim());
}

type Readers = ReturnType<typeof readers>;

function readers(faults: Record<string, string>) {
  const wrong = (field: string, takes: string, text: string): undefined => {
    faults[field] = `${takes}, not ${JSON.stringify(text)}`;
  };
  const number = (field: string, text: string, pattern: RegExp, takes: string) => {
    if (text.trim() === '') return undefined;
    return pattern.test(text.trim()) ? Number(text) : wrong(field, takes, text);
  };
  return {
    count: (field: string, text: string) =>
      number(field, text, /^\d{1,15}$/, 'this takes a whole number'),
    /** Percent as a share, without what binary fractions add. */
    share(field: string, text: string) {
      const percent = number(field, text, /^\d{1,9}(\.\d{1,6})?$/, 'this takes percent such as 20');
      return percent === undefined ? undefined : Number((percent / 100).toPrecision(12));
    },
    permille(field: string, text: string) {
      const takes = 'this takes percent such as 10 or 2.5';
      const percent = number(field, text, /^\d{1,4}(\.\d)?$/, takes);
      return percent === undefined ? undefined : Math.round(percent * 10);
    },
    time(field: string, text: string) {
      if (text.trim() === '') return undefined;
      return (
        readTime(text) ??
        wrong(field, 'this takes a time with its unit, such as 30s, 10m or 1h', text)
      );
    },
    start(text: string, nowMs: number) {
      if (text === '') return undefined;
      const at = new Date(text).getTime();
      if (at <= nowMs) {
        faults.startMs = 'this is past: leave it empty to begin at once, or give a time to come';
        return undefined;
      }
      return Number.isFinite(at) ? at : wrong('startMs', 'this takes a day and a time', text);
    },
    maintenanceWindow({ days, from, to, timeZone }: FormWindow) {
      if (from === '' || to === '') faults.maintenance = 'each window needs a begin and an end';
      const zone = timeZone.trim();
      return {
        ...(days.length === 0 ? {} : { days: [...days] }),
        ...{ from, to },
        ...(zone === '' ? {} : { timeZone: zone }),
      };
    },
  };
}

type Gates = Partial<Omit<GateSettings, 'disabled'>> & { disabled?: GateName[] };

function gatesOf({ limits, off, minInferences }: Form, read: Readers): Gates {
  const judged = GATE_NAMES.filter((gate) => !off.includes(gate));
  const given = judged.map((gate) => {
    const key = LIMIT_KEYS[gate];
    return [key, read.share(`gates.${key}`, limits[gate] ?? '')];
  });
  return defined({
    ...Object.fromEntries(given),
    minInferences: read.count('gates.minInferences', minInferences),
    disabled: off.length === 0 ? undefined : [...off],
  });
}

const shadowOf = (form: Form, read: Readers) =>
  defined({
    samplePermille: read.permille('shadow.samplePermille', form.sample),
    busyPermille: read.permille('shadow.busyPermille', form.busy),
    maxTemperatureC: read.count('shadow.maxTemperatureC', form.maxTemperature),
    minCompared: read.count('shadow.minCompared', form.compared),
    maxHours: read.count('shadow.maxHours', form.maxHours),
  });

const abOf = (form: Form, read: Readers) =>
  defined({
    sharePercent: read.count('ab.sharePercent', form.share),
    maxHours: read.count('ab.maxHours', form.maxHours),
  });

const defined = <T extends object>(record: T): T =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;

const filled = <T extends object>(record: T): T | undefined =>
  Object.keys(record).length === 0 ? undefined : record;
