import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSseParser } from './sse.ts';

const parseAll = (text: string) => createSseParser()(text);

test('an event ends with an empty line and carries its id, name and data', () => {
  expect(parseAll('id: a-1\nevent: device\ndata: {"id":"x"}\n\n')).toEqual([
    { id: 'a-1', event: 'device', data: '{"id":"x"}' },
  ]);
});

test('comments, unknown fields and retry make no event', () => {
  expect(parseAll('retry: 1000\n\n: alive\n\nfoo: bar\n\n')).toEqual([]);
});

test('data of several lines is joined, one space after the colon is dropped', () => {
  expect(parseAll('data: a\ndata:b\ndata:  c\ndata\n\n')).toEqual([
    { id: '', event: 'message', data: 'a\nb\n c\n' },
  ]);
});

test('the last id stays until another comes', () => {
  const [first, second] = parseAll('id: 1\ndata: a\n\ndata: b\n\n');
  expect([first?.id, second?.id]).toEqual(['1', '1']);
});

test('an event that was not finished is not given', () => {
  expect(parseAll('data: a\n')).toEqual([]);
});

test('however the stream is cut and its lines end, the events are the same', () => {
  const lines = [
    'id: 7',
    'event: rollout',
    'data: {"id":"r"}',
    '',
    ': beat',
    '',
    'data: x',
    'data: y',
    '',
    '',
  ];
  const expected = parseAll(lines.join('\n'));
  expect(expected).toHaveLength(2);
  fc.assert(
    fc.property(
      fc.constantFrom('\n', '\r', '\r\n'),
      fc.array(fc.nat({ max: 80 }), { maxLength: 12 }),
      (end, cuts) => {
        const text = `${lines.join(end)}${end === '\r' ? '\n' : ''}`;
        const parse = createSseParser();
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const events = places
          .slice(1)
          .flatMap((place, i) => parse(text.slice(places[i], Math.max(places[i] ?? 0, place))));
        expect(events).toEqual(expected);
      },
    ),
  );
});

test('a line without an end is not collected for ever', () => {
  const parse = createSseParser();
  expect(() => {
    for (let i = 0; i < 40; i++) parse('x'.repeat(1 << 16));
  }).toThrow(RangeError);
});
