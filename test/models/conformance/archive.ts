import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A model of the ONNX backend suite with what it must compute. */
export interface Case {
  /** `node/test_abs`. */
  readonly name: string;
  readonly modelFile: string;
  /** Files of `TensorProto`, in the order of the model's inputs and outputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What ONNX Runtime made of the model without us, where that is recorded: `PASS`, `LOAD_ERR`… */
  readonly plain: string | undefined;
}

/** Unpacks the suite's archive and lists its cases by name. */
export function unpackCases(archives: string, folder: string): Case[] {
  for (const archive of readdirSync(archives).filter((name) => name.endsWith('.tar.gz'))) {
    execFileSync('tar', ['xzf', join(archives, archive), '-C', folder]);
  }
  return ['light', 'node', 'simple'].flatMap((group) => {
    const plain = recorded(join(archives, `ort1.30_${group}.csv`));
    return casesOf(folder, group, plain);
  });
}

function casesOf(folder: string, group: string, plain: ReadonlyMap<string, string>): Case[] {
  const root = join(folder, group);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.onnx'))
    .sort()
    .map((file) => {
      const single = basename(file) !== 'model.onnx';
      const name = single ? basename(file, '.onnx') : (file.split('/')[0] ?? file);
      const prefix = single ? `${name}_` : `${name}/test_data_set_0/`;
      return {
        name: `${group}/${name}`,
        modelFile: join(root, file),
        inputs: numbered(root, `${prefix}input_`),
        outputs: numbered(root, `${prefix}output_`),
        plain: plain.get(name),
      };
    });
}

function numbered(root: string, prefix: string): string[] {
  const files: string[] = [];
  for (let i = 0; ; i++) {
    const file = join(root, `${prefix}${i}.pb`);
    if (!existsSync(file)) return files;
    files.push(file);
  }
}

function recorded(file: string): Map<string, string> {
  if (!existsSync(file)) return new Map();
  const rows = readFileSync(file, 'utf8').trim().split('\n').slice(1);
  return new Map(
    rows.map((row): [string, string] => {
      const [name = '', result = ''] = row.split(',');
      return [name, result];
    }),
  );
}
