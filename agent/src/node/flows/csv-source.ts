import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { parse } from 'csv-parse/sync';
import { csvRecords } from './csv-records.ts';
import type { CsvConfig } from './schema.ts';
import { type Source, type SourcePorts, stamp } from './source.ts';

/** Rows of named cells, one item each. The first line names the columns, unless the settings do. */
export function csvSource(config: CsvConfig, ports: SourcePorts): Source {
  const { csv, delimiter = ',' } = config;
  const label = `csv ${csv}`;
  const cellsOf = (text: string) => parse(text, { delimiter, trim: true })[0] ?? [];
  return {
    label,
    lossless: true,
    room: 1,
    async run({ emit, refuse }, signal) {
      const input = csv === 'stdin' ? ports.stdin() : createReadStream(resolve(ports.folder, csv));
      const stop = () => input.destroy();
      signal.addEventListener('abort', stop, { once: true });
      let { columns } = config;
      let row = 0;
      const tooLong = (limit: number) =>
        refuse(`row ${row + 1}`, new Error(`it is longer than ${limit} characters`));
      try {
        for await (const text of csvRecords(input.setEncoding('utf8'), tooLong)) {
          if (columns === undefined) {
            columns = cellsOf(text);
            continue;
          }
          row++;
          try {
            const raw = Buffer.from(JSON.stringify(rowOf(columns, cellsOf(text))));
            await emit({ raw, label: `row ${row}`, ...stamp(ports), settle: () => undefined });
          } catch (error) {
            refuse(`row ${row}`, error);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        throw new FlotillaError('flow.source-failed', { source: label, reason }, { cause: error });
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
  };
}

/** Cells that are numbers as numbers, empty ones as null, others as they are. */
function rowOf(columns: readonly string[], cells: readonly string[]) {
  if (cells.length !== columns.length) {
    throw new Error(`it has ${cells.length} cells, and there are ${columns.length} columns`);
  }
  return Object.fromEntries(columns.map((name, i) => [name, cellValue(cells[i] ?? '')]));
}

function cellValue(cell: string): number | string | null {
  if (cell === '') return null;
  const number = Number(cell);
  return Number.isNaN(number) ? cell : number;
}
