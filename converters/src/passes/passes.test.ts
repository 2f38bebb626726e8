import { isFlotillaError } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { cloneModel, type Model } from '../ir/graph.ts';
import { printModel } from '../ir/print.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { FIXTURES } from './fixtures/index.ts';
import { PASSES, runPasses } from './index.ts';
import { type Pass, runPassList } from './pass.ts';

describe.each(Object.entries(FIXTURES))('fixture %s', (name, make) => {
  it('becomes the graph written down beside it', async () => {
    const model = make();
    const before = printModel(model);
    const reports = (await runPasses(model)).flatMap(({ pass, changed, did, declined, notes }) => {
      const lines = [...did, ...declined, ...notes].map((line) => `  - ${line}`);
      return changed + lines.length === 0 ? [] : [`- ${pass}: ${changed}`, ...lines];
    });
    const block = (text: string) => ['```', text.trimEnd(), '```'].join('\n');
    const page = `# ${name}\n\n${block(before)}\n\nbecomes\n\n${block(printModel(model))}\n\nby\n\n${reports.join('\n')}\n`;
    await expect(page).toMatchFileSnapshot(`./fixtures/${name}.expect.md`);
  });

  it('gives the same results as before', async () => {
    const model = make();
    const before = await runModel(model, 5);
    await runPasses(model);
    const after = await runModel(model, before.feeds);
    expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-5);
  });

  it('stays as it is when the passes run again', async () => {
    const model = make();
    await runPasses(model);
    const once = printModel(model);
    const again = await runPasses(model);
    expect(again.map((report) => report.changed)).toEqual(PASSES.map(() => 0));
    expect(printModel(model)).toBe(once);
  });
});

describe('the runner', () => {
  const spoil: Pass = {
    name: 'spoil',
    run(model: Model) {
      model.graph.nodes[0]!.inputs = ['nowhere'];
      return { changed: 1 };
    },
  };
  const nothing: Pass = { name: 'nothing', run: () => ({ changed: 0 }) };
  const model = () => cloneModel(FIXTURES.normalized!());
  const run = async (passes: readonly Pass[], target = model()) => {
    try {
      return await runPassList(target, passes, { opset: 13 });
    } catch (error) {
      return error;
    }
  };

  it('names the pass that broke the graph, and those before it', async () => {
    const error = await run([nothing, spoil]);
    expect(isFlotillaError(error, 'model.pass-failed') && error.context).toMatchObject({
      pass: 'spoil',
      before: 'nothing',
      reason: expect.stringContaining('"nowhere"'),
    });
  });

  it('refuses a graph that was broken before', async () => {
    const broken = model();
    await spoil.run(broken, { opset: 13, bytesBefore: 0 });
    expect(await run([nothing], broken)).toMatchObject({ code: 'model.graph-invalid' });
  });

  it('holds a pass to what it needs and what it promises', async () => {
    const needs: Pass = { ...nothing, name: 'picky', requires: () => 'another model' };
    const breaks: Pass = { ...nothing, name: 'liar', ensures: () => 'a promise unkept' };
    expect(await run([needs])).toMatchObject({
      context: { pass: 'picky', reason: 'needs another model' },
    });
    expect(await run([breaks])).toMatchObject({
      context: { pass: 'liar', reason: 'left a promise unkept' },
    });
  });

  it('gives every pass a name of its own', () => {
    expect(new Set(PASSES.map((pass) => pass.name)).size).toBe(PASSES.length);
  });
});
