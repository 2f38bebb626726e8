import { expect, test } from 'vitest';
import { parseLabels } from './labels-csv.ts';

test('a row gives file, class and the slices that were asked for', () => {
  const text = 'file,class_index,label,light,site\na.jpg,3,gear,dim,lyon\n"b,1.png",,nut,,\n';
  expect(parseLabels(text, 'labels.csv', ['light']).rows).toEqual([
    { file: 'a.jpg', classIndex: 3, label: 'gear', slices: { light: 'dim' } },
    { file: 'b,1.png', classIndex: undefined, label: 'nut', slices: {} },
  ]);
});

test('a byte order mark and Windows line ends do not matter', () => {
  const { rows } = parseLabels('\uFEFFfile,label\r\na.jpg,nut\r\n', 'labels.csv', []);
  expect(rows.map(({ file, label }) => [file, label])).toEqual([['a.jpg', 'nut']]);
});

test('columns that are looked for and are not there are told of', () => {
  const { warnings } = parseLabels('file,class\na.jpg,nut\n', 'labels.csv', ['light']);
  expect(warnings).toEqual([
    'labels.csv has no column class_index or label: it gives no sample a class',
    'labels.csv has no column light, which evaluation.slices names',
  ]);
});

test.each([
  ['name;label\na.jpg;nut\n', 'its header "name;label" has no column "file"'],
  ['file,label\na.jpg,nut\nb.jpg,nut\na.jpg,gear\n', 'rows 2 and 4 give "a.jpg" different classes'],
  ['file,class_index\na.jpg,-1\n', 'row 2: class_index "-1" is no index'],
  ['file,class_index\na.jpg,0\nb.jpg,1e9\n', 'row 3: class_index "1e9" is no index'],
  ['file,label\n"a.jpg,nut\n', 'Quote Not Closed'],
])('%j is refused with the reason', (text, reason) => {
  expect(() => parseLabels(text, 'x/labels.csv', [])).toThrow(reason);
  expect(() => parseLabels(text, 'x/labels.csv', [])).toThrow(/^x\/labels\.csv cannot be used/);
});
