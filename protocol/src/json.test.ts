import { describe, expect, it } from 'vitest';
import { readJson } from './json.ts';

const read = (text: string, limits = {}) =>
  readJson(new TextEncoder().encode(text), { maxBytes: 1000, ...limits });

describe('JSON from outside', () => {
  it('is read as it is', () => {
    expect(read('{"a":[1,null,true,"é",1.5]}')).toEqual({
      ok: true,
      value: { a: [1, null, true, 'é', 1.5] },
    });
  });

  it.each([
    ['{"a":1', /^not JSON: /],
    ['', /^not JSON: /],
    ['\ufeff{}', /^not JSON: /],
    [`"${'a'.repeat(1000)}"`, /^1002 bytes, more than 1000$/],
    [`${'['.repeat(20)}${']'.repeat(20)}`, /^nested too deep$/],
    ['{"a":{"__proto__":{}}}', /^key __proto__ is not allowed$/],
    ['{"constructor":1}', /^key constructor is not allowed$/],
    ['["\\ud800"]', /^text is not Unicode$/],
    ['{"\\ud800":1}', /^text is not Unicode$/],
  ])('%s is refused', (text, reason) => {
    const json = read(text);
    expect(!json.ok && json.reason).toMatch(reason);
  });

  it('with bytes that are not UTF-8 is refused', () => {
    expect(readJson(Uint8Array.of(0x22, 0xff, 0x22), { maxBytes: 10 })).toMatchObject({
      ok: false,
    });
  });

  it('may be held to integers that canonical JSON can write', () => {
    expect(read('1.5', { integersOnly: true })).toEqual({ ok: false, reason: 'number 1.5' });
    expect(read('9007199254740993', { integersOnly: true })).toMatchObject({ ok: false });
    expect(read('-7', { integersOnly: true })).toEqual({ ok: true, value: -7 });
  });
});
