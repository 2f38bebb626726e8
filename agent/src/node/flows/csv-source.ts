import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { parse } from 'csv-parse';
import type { CsvConfig } from './schema.ts';
import { type Source, type SourcePorts, stamp } from './source.ts';

const MAX_RECORD = 1 << 20;

/** Rows of named cells, one item each. The first line names the columns, unless the settings do. */
export function csvSource(config: CsvConfig, ports: SourcePorts): Source {
  const { csv, columns, delimiter = ',' } = config;
  const label = `csv ${csv}`;
  return {
    label,
    lossless: true,
    room: 1,
    async run({ emit, refuse }, signal) {
      const input = csv === 'stdin' ? ports.stdin() : createReadStream(resolve(ports.folder, csv));
      const parser = parse({
        bom: true,
        columns: columns ?? true,
        delimiter,
        info: true,
        max_record_size: MAX_RECORD,
        skip_empty_lines: true,
        skip_records_with_error: true,
        trim: true,
        on_skip(error) {
          refuse(error?.message ?? 'a row cannot be read');
          return undefined;
        },
      });
      input.once('error', (error) => parser.destroy(error));
      const stop = () => parser.destroy();
      signal.addEventListener('abort', stop, { once: true });
      try {
        for await (const { record, info } of input.pipe(parser)) {
          await emit({
            raw: Buffer.from(JSON.stringify(cellsOf(record))),
            label: `row ${info.records}`,
            ...stamp(ports),
            settle: () => undefined,
          });
        }
      } catch (error) {
        if (signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        throw new FlotillaError('flow.source-failed', { source: label, reason }, { cause: error });
      } finally {
        signal.removeEventListener('abort', stop);
        input.unpipe(parser);
        if (csv !== 'stdin') input.destroy();
      }
    },
  };
}

/** Cells that are numbers as numbers, empty ones as null, others as they are. */
function cellsOf(record: Readonly<Record<string, string>>): Record<string, number | string | null> {
  return Object.fromEntries(
    Object.entries(record).map(([name, text]) => {
      const number = Number(text);
      return [name, text === '' ? null : Number.isNaN(number) ? text : number];
    }),
  );
}
