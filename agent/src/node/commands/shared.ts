import { CONFIG, readConfig } from '../config.ts';
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
