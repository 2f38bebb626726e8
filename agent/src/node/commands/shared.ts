import type { DiskQuota } from '../../core/index.ts';
import { CONFIG, readConfig, usage } from '../config.ts';
import type { CommandInput, OptionRow } from './command.ts';

/** A row of the configuration as an option of the command line. */
export function configOption(name: keyof typeof CONFIG, value: string): OptionRow {
  const { doc, env, default: fallback } = CONFIG[name];
  return { type: 'string', value, doc: `${doc} (${env}; ${fallback})` };
}

export const JSON_OPTION: OptionRow = { type: 'boolean', doc: 'print JSON for machines' };

export function configOf({ values, io }: CommandInput) {
  const flags = Object.entries(values).filter(([, value]) => typeof value === 'string');
  return readConfig(Object.fromEntries(flags) as Record<string, string>, io.env);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };

/** @throws FlotillaError `cli.usage` */
export function readQuota(text: string): DiskQuota {
  if (text === 'auto') return text;
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (UNITS[unit] ?? 1));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw usage(`--disk-quota takes auto or bytes such as 500M or 2G, not ${text.slice(0, 40)}`);
}
