import { describe, expect, it } from 'vitest';
import { graphRequest, names, readShapes } from './graph-options.ts';

describe('options of commands that rewrite a graph', () => {
  it('reads sizes by name and whole shapes', () => {
    expect(readShapes(['batch=1', 'image=1x3x224x224', 'a=b=2'])).toEqual({
      batch: 1,
      image: [1, 3, 224, 224],
      'a=b': 2,
    });
  });

  it.each(['batch', '=1', 'batch=', 'batch=one', 'image=1x-3', 'n=1.5'])('refuses %s', (text) => {
    expect(() => readShapes([text])).toThrow(expect.objectContaining({ code: 'cli.usage' }));
  });

  it('collects names over commas and repeated options', () => {
    expect(names('c, d', names('a,b,'))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('asks for nothing that was not given', () => {
    expect(graphRequest({})).toEqual({});
    expect(graphRequest({ outputs: ['y'], passes: ['-conv-batchnorm'] })).toEqual({
      cut: { outputs: ['y'] },
      passes: ['-conv-batchnorm'],
    });
  });
});
