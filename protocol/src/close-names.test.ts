import { expect, it } from 'vitest';
import { closeNames, closestName } from './close-names.ts';

it.each([
  ['conv_1', ['conv_10', 'conv_2', 'relu', 'Conv_1'], '"Conv_1" or "conv_10" or "conv_2"'],
  ['logit', ['logits', 'input'], '"logits"'],
  ['output', ['x'.repeat(5000), ''], ''],
  ['head', ['model.12.head.conv.weight'], '"model.12.head.conv.weight"'],
])('names close to %s', (name, known, expected) => {
  expect(closeNames(name, known)).toBe(expected);
});

it.each([
  ['sites', 'site'],
  ['memroy', 'memory'],
  ['frist', 'first'],
  ['x', undefined],
  ['rack', undefined],
])('takes %j for %j', (name, expected) => {
  expect(closestName(name, ['seen', 'cores', 'os', 'memory', 'first', 'site'])).toBe(expected);
});
