import { expect, test } from 'vitest';
import { redacted, shownUrl } from './address.ts';

test.each([
  ['rtsp://u:p@cam/1?key=k: refused', 'rtsp://cam/1 refused'],
  ['rtsp://u:p%40@cam:554/1', 'rtsp://cam:554/1'],
  ['rtsp://u:p@ss@cam/1', 'rtsp://cam/1'],
  [
    '[tcp @ 0x1] Connection to tcp://cam:1?timeout=0 failed; http://cam/?a=b@c',
    '[tcp @ 0x1] Connection to tcp://cam:1 failed; http://cam/',
  ],
  ['file:/data/a@b.mp4: no such file', 'file:/data/a@b.mp4: no such file'],
])('%s is shown as %s', (text, shown) => {
  expect(redacted(text)).toBe(shown);
});

test('an address is shown without log-in and query', () => {
  expect(shownUrl('mqtts://me:secret@broker:8883/path?x=1')).toBe('mqtts://broker:8883/path');
  expect(shownUrl('rtsp://me:sec ret@cam')).toBe('rtsp://cam');
});
