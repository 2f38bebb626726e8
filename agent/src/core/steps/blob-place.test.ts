import { expect, test } from 'vitest';
import { blobPlace } from './blob-place.ts';

const api = 'https://fleet.example/flotilla';

test.each([
  ['a path on the server', '/api/1/blobs', 'https://fleet.example/flotilla/api/1/blobs', true],
  ['a URL of the server', `${api}/blobs`, `${api}/blobs`, true],
  ['another store', 'https://store.example/blobs', 'https://store.example/blobs', false],
  [
    'a host that only looks alike',
    'https://fleet.example.evil/x',
    'https://fleet.example.evil/x',
    false,
  ],
])('logs in on the own server only: %s', (_, url, base, own) => {
  expect(blobPlace(url, api)).toEqual({ base, own });
});
