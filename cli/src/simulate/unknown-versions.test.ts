import { expect, it } from 'vitest';
import { parseFaults } from './faults.ts';
import { unknownVersions } from './unknown-versions.ts';

it.each([
  ['fail=1', []],
  ['parts: fail=1; parts@3: lie=1', []],
  ['parst@3: fail=1', [/of parst@3, which the fleet does not have: did you mean parts\?$/]],
  ['parts@4: fail=1', [/of parts@4, .*: its newest version is 3$/]],
  ['ocr: fail=1', [/of ocr, .*: it was not pushed yet$/]],
])('%s of a fleet with parts@3', (faults, says) => {
  const told = unknownVersions(parseFaults(faults), [{ model: 'parts', lastVersion: 3 }]);
  expect(told).toEqual(says.map((each) => expect.stringMatching(each)));
});
