import { expect, test } from 'vitest';
import { parseLabels } from './labels-csv.ts';

test('a row gives file, class and the slices that were asked for', () => {
  const text = 'file,class_index,label,light,site\na.jpg,3,gear,dim,lyon\n"b,1.png",,nut,,\n';
  expect(parseLabels(text, 'labels.csv', ['light'])).toEqual([
    { file: 'a.jpg', classIndex: 3, label: 'gear', slices: { light: 'dim' } },
    { file: 'b,1.png', classIndex: undefined, label: 'nut', slices: {} },
  ]);
});

test('a byte order mark and Windows line ends do not matter', () => {
  const rows = parseLabels('\uFEFFfile,label\r\na.jpg,nut\r\n', 'labels.csv', []);
  expect(rows.map(({ file, label }) => [file, label])).toEqual([['a.jpg', 'nut']]);
});

test.each([
  ['name,label\na.jpg,nut\n', 'its header has no column "file"'],
  ['file,class_index\na.jpg,-1\n', 'row 2: class_index "-1" is no index'],
  ['file,class_index\na.jpg,0\nb.jpg,1e9\n', 'row 3: class_index "1e9" is no index'],
  ['file,label\n"a.jpg,nut\n', 'Quote Not Closed'],
])('%j is refused with the reason', (text, reason) => {
  expect(() => parseLabels(text, 'x/labels.csv', [])).toThrow(reason);
  expect(() => parseLabels(text, 'x/labels.csv', [])).toThrow(/^x\/labels\.csv cannot be used/);
});
