import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bindConstants,
  fixShapes,
  inferFacts,
  type Model,
  readModel,
  runPasses,
  type ValueFacts,
  writeModel,
} from '@flotilla/converters';
import type { ElementType, Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Case, unpackCases } from './conformance/archive.ts';
import { parseTensor } from './conformance/tensors.ts';
import { feedsFor } from './feeds.ts';

const models = process.env.FLOTILLA_MODELS ?? '';

let folder = '';
let cases: Case[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-inference-'));
  cases = unpackCases(join(models, 'conformance'), folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TYPES: Readonly<Record<string, ElementType>> = {
  bool: 'BOOL',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  int8: 'INT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  uint8: 'UINT8',
};

/** What inference found of values, held against what they are in a run. */
class Comparison {
  readonly wrong: string[] = [];
  values = 0;
  /** Values whose type and every size are known before. */
  full = 0;
  readonly #open = new Map<string, number>();

  /** One name of a size must stand for one number in a run; `sizes` holds those of the run. */
  add(
    where: string,
    op: string,
    found: ValueFacts | undefined,
    { type, shape }: Tensors[string],
    sizes: Map<string, number>,
  ): void {
    this.values++;
    const { dtype, shape: dims } = found ?? {};
    if (dtype !== undefined && TYPES[dtype] !== type)
      this.wrong.push(`${where}: ${dtype} is ${type}`);
    const fits = dims?.every((dim, axis) => {
      if (typeof dim === 'number') return dim === shape[axis];
      if (dim === null) return true;
      const size = sizes.get(dim) ?? shape[axis]!;
      sizes.set(dim, size);
      return size === shape[axis];
    });
    const ranked = dims === undefined || dims.length === shape.length;
    if (fits === false || !ranked) this.wrong.push(`${where}: [${dims}] is [${shape}]`);
    if (dtype !== undefined && dims?.every((dim) => typeof dim === 'number')) this.full++;
    else this.#open.set(op, (this.#open.get(op) ?? 0) + 1);
  }

  /** Operators whose values are not known in full, and how many of each. */
  get open(): string {
    const sorted = [...this.#open].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([op, count]) => `${op} ${count}`).join(', ');
  }
}

function makers({ graph }: Model): Map<string, string> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node.op])));
}

/** The values of a run, with all inner values whose type is known. */
async function runInside(model: Model, feeds: Tensors): Promise<Tensors | undefined> {
  const facts = inferFacts(model.graph, { declared: false }).get(model.graph);
  const outputs = new Set(model.graph.outputs.map((info) => info.name));
  const inner = model.graph.nodes
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '' && !outputs.has(name))
    .filter((name) => TYPES[facts?.get(name)?.dtype ?? ''] !== undefined);
  const [output] = model.graph.outputs;
  const shown = inner.map((name) => ({ ...output!, name, type: undefined }));
  const graph = { ...model.graph, outputs: [...model.graph.outputs, ...shown] };
  const session = await ortRuntime()
    .load(writeModel({ ...model, graph }))
    .catch(() => undefined);
  try {
    return await session?.run(feeds).catch(() => undefined);
  } finally {
    await session?.dispose();
  }
}

function tensorsOf(names: readonly string[], files: readonly string[]) {
  return names.flatMap((name, i) => {
    const file = files[i];
    const tensor =
      file === undefined ? undefined : parseTensor(Uint8Array.from(readFileSync(file)));
    return tensor === undefined ? [] : [[name, tensor] as const];
  });
}

describe('types and shapes of the ONNX backend suite', () => {
  /** Fixes the inputs that shapes can depend on, as a model that was exported has them. */
  async function openCase({ modelFile, inputs }: Case): Promise<{ model: Model; feeds: Tensors }> {
    const model = await readModel(modelFile);
    const given = tensorsOf(
      model.graph.inputs.map((info) => info.name),
      inputs,
    );
    const isList = (name: string) => {
      const info = model.graph.inputs.find((input) => input.name === name);
      return info?.type?.kind === 'tensor' && (info.type.shape?.length ?? 2) <= 1;
    };
    const lists = given.filter(([name]) => isList(name));
    const bound = Object.fromEntries(lists.length < given.length ? lists : lists.slice(1));
    bindConstants(model, bound);
    const feeds = Object.fromEntries(given.filter(([name]) => !Object.hasOwn(bound, name)));
    return { model, feeds };
  }

  it('are those of the outputs that the suite expects', async () => {
    const [runs, rest] = [new Comparison(), new Comparison()];
    for (const each of cases) {
      const comparison = each.plain === 'PASS' ? runs : rest;
      const { model } = await openCase(each);
      const facts = inferFacts(model.graph, { declared: false }).get(model.graph);
      const made = makers(model);
      const names = model.graph.outputs.map((info) => info.name);
      const sizes = new Map<string, number>();
      for (const [name, tensor] of tensorsOf(names, each.outputs)) {
        const op = made.get(name) ?? 'none';
        comparison.add(`${each.name} ${name}`, op, facts?.get(name), tensor, sizes);
      }
    }
    console.info(`${runs.full} of ${runs.values} outputs known in full; others: ${runs.open}`);
    console.info(`of models that do not run: ${rest.full} of ${rest.values}; others: ${rest.open}`);
    expect([...runs.wrong, ...rest.wrong]).toEqual([]);
    expect(runs.full / runs.values).toBeGreaterThan(0.95);
  });

  it('are those that ONNX Runtime finds of inner values', async () => {
    const comparison = new Comparison();
    for (const each of cases.filter(({ plain }) => plain === 'PASS')) {
      const { model, feeds } = await openCase(each);
      if (model.graph.nodes.length < 2) continue;
      const run = await runInside(model, feeds);
      const facts = inferFacts(model.graph, { declared: false }).get(model.graph);
      const made = makers(model);
      const sizes = new Map<string, number>();
      for (const [name, tensor] of Object.entries(run ?? {})) {
        const op = made.get(name) ?? 'none';
        comparison.add(`${each.name} ${name}`, op, facts?.get(name), tensor, sizes);
      }
    }
    const { full, values, open } = comparison;
    console.info(`${full} of ${values} inner values known in full; others: ${open}`);
    expect(comparison.wrong).toEqual([]);
    expect(full / values).toBeGreaterThan(0.98);
  });
});

describe('types and shapes of whole models', () => {
  const files = readdirSync(join(models, 'onnx')).filter((name) => name.endsWith('.onnx'));

  async function compare(model: Model, feeds: Tensors): Promise<Comparison> {
    const values = await runInside(model, feeds);
    const facts = inferFacts(model.graph, { declared: false }).get(model.graph);
    const comparison = new Comparison();
    const sizes = new Map<string, number>();
    const made = makers(model);
    for (const [name, tensor] of Object.entries(values ?? {})) {
      comparison.add(name, made.get(name) ?? 'none', facts?.get(name), tensor, sizes);
    }
    return comparison;
  }

  it.each(files)('%s', async (file) => {
    const model = await readModel(join(models, 'onnx', file));
    const session = await ortRuntime().load(writeModel(model));
    const feeds = feedsFor(file, session.inputs);
    await session.dispose();
    const open = await compare(model, feeds);
    expect(open.wrong).toEqual([]);
    expect(open.values).toBeGreaterThan(0);
    const settings = Object.entries(feeds).filter(([, { shape }]) => shape.length === 0);
    bindConstants(model, Object.fromEntries(settings));
    const rest = Object.entries(feeds).filter(([, { shape }]) => shape.length > 0);
    fixShapes(model, Object.fromEntries(rest.map(([name, { shape }]) => [name, shape])));
    await runPasses(model);
    const fixed = await compare(model, Object.fromEntries(rest));
    console.info(
      `${file}: ${open.full} of ${open.values} values known as it came; then the others: ${fixed.open}`,
    );
    expect(fixed.wrong).toEqual([]);
    expect(fixed.open).toBe('');
  });
});
