import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  asFlotillaError,
  ERRORS,
  type ErrorCode,
  FlotillaError,
  isFlotillaError,
} from './error.ts';
import type { ErrorContext, ErrorRow } from './errors/row.ts';

const rows = Object.entries(ERRORS) as [ErrorCode, ErrorRow<ErrorContext>][];

/** A context that has every field that a message may ask for, and tells which it asked for. */
function anyContext(value: (field: string) => string | number) {
  const asked: string[] = [];
  const context = new Proxy({} as ErrorContext, {
    get: (_target, field) => {
      asked.push(String(field));
      return value(String(field));
    },
  });
  return { context, asked };
}

describe('the table of errors', () => {
  it.each(rows)('%s has a sound row', (code, row) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/);
    expect(row.status).toBeGreaterThanOrEqual(400);
    expect(row.status).toBeLessThan(600);
    expect([1, 2]).toContain(row.exitCode);
    expect(typeof row.retryable).toBe('boolean');
  });

  it.each(rows)('%s has a message of one line that shows its context', (code, row) => {
    const { context, asked } = anyContext((field) => `<${field}\n>`);
    const { message } = new FlotillaError(code, context as never);
    row.message(context);
    expect(message).toMatch(/^[^\r\n]{10,400}$/);
    expect(message).not.toMatch(/undefined|NaN|\[object/);
    expect(message).not.toMatch(/\.$/);
    for (const field of asked) expect(message).toContain(field);
  });

  it('holds every code of every area, and none in two areas', async () => {
    const folder = new URL('errors/', import.meta.url);
    const files = (await readdir(folder)).filter((file) => file !== 'row.ts');
    const areas = await Promise.all(files.map((file) => import(new URL(file, folder).href)));
    const codes = areas.flatMap((area) =>
      Object.values(area).flatMap((rows) => Object.keys(Object(rows))),
    );
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
    expect(codes.toSorted()).toEqual(Object.keys(ERRORS).toSorted());
  });

  it('asks a person who used a command wrongly to change it, never to try again', () => {
    const wrong = rows.filter(([, row]) => row.exitCode === 2 && row.retryable);
    expect(wrong).toEqual([]);
  });
});

describe('a Flotilla error', () => {
  const error = new FlotillaError('spec.invalid', {
    file: 'model.yaml',
    where: '/inputs',
    reason: 'is missing',
  });

  it('carries code, context and what its row says', () => {
    expect(error).toMatchObject({
      name: 'FlotillaError',
      code: 'spec.invalid',
      message: 'model.yaml: /inputs is missing',
      status: 422,
      retryable: false,
      exitCode: 1,
    });
    expect(error.context.where).toBe('/inputs');
  });

  it('stays one short line that no terminal obeys, whatever the names in it', () => {
    const message = (reason: string) =>
      new FlotillaError('spec.invalid', { file: 'a', where: 'b', reason }).message;
    expect(message('two\r\n  lines\u2028more')).toBe('a: b two lines more');
    expect(message('red\u001b[31m')).toBe('a: b red\ufffd[31m');
    expect(message('x'.repeat(1_000_000)).length).toBeLessThan(2100);
    expect(message(`${' '.repeat(1_000_000)}x`).length).toBeLessThan(2100);
  });

  it('is told apart from others, and by its code', () => {
    expect(isFlotillaError(error)).toBe(true);
    expect(isFlotillaError(error, 'spec.invalid')).toBe(true);
    expect(isFlotillaError(error, 'bundle.invalid')).toBe(false);
    expect(isFlotillaError(new Error('x'))).toBe(false);
    expect(isFlotillaError(undefined)).toBe(false);
  });

  it('is made of any thrown thing, which becomes its cause', () => {
    expect(asFlotillaError(error)).toBe(error);
    const cause = new Error('two\nlines');
    const made = asFlotillaError(cause);
    expect(made).toMatchObject({ code: 'internal.unexpected', cause });
    expect(made.message).toMatch(/^unexpected failure: two lines; /);
    expect(asFlotillaError('text').message).toContain('text');
  });
});

describe('what a message leaves out', () => {
  it('says nothing of close names where none is close', () => {
    const unknown = (close: string) =>
      new FlotillaError('cut.unknown', { value: 'v', close }).message;
    expect(unknown('')).toMatch(/no such value$/);
    expect(unknown('"w"')).toMatch(/no such value \(close: "w"\)$/);
  });

  it('names the option that fills in a field, where there is one', () => {
    const invalid = (field: string) =>
      new FlotillaError('convert.request-invalid', { field, reason: 'is odd' }).message;
    expect(invalid('maxCalibration')).toContain(': maxCalibration (--max-calibration) is odd');
    expect(invalid('latencyRuns')).toContain(': latencyRuns is odd');
  });
});
