import { expect, onTestFinished, test } from 'vitest';
import { plantTree, type Tree } from '../../testing/boards.ts';
import { systemFiles } from './system-files.ts';
import { readTimeZone } from './time-zone.ts';

async function zoneOf(tree: Tree, tz?: string, otherwise = 'Asia/Tokyo'): Promise<string> {
  const { root, remove } = await plantTree(tree);
  onTestFinished(remove);
  return readTimeZone(systemFiles(root), tz, otherwise);
}

const PARIS = '->/usr/share/zoneinfo/Europe/Paris';
const debian = { 'etc/timezone': 'America/Lima\n' };

test.each<[string, Tree, string | undefined, string]>([
  ['the link of systemd', { 'etc/localtime': PARIS, ...debian }, undefined, 'Europe/Paris'],
  [
    'a link without leap seconds',
    { 'etc/localtime': '->../usr/share/zoneinfo/posix/Europe/Paris' },
    '',
    'Europe/Paris',
  ],
  [
    'the file of Debian beside a copied zone',
    { 'etc/localtime': 'TZif2', ...debian },
    '',
    'America/Lima',
  ],
  ['TZ before both', { 'etc/localtime': PARIS, ...debian }, ':Asia/Kolkata', 'Asia/Kolkata'],
  ['no name in TZ', { 'etc/localtime': PARIS }, 'CET-1CEST,M3.5.0,M10.5.0/3', 'Europe/Paris'],
  ['no offset in TZ', {}, '+02:00', 'Asia/Tokyo'],
  ['a zone that nobody knows', { 'etc/timezone': 'Mars/Olympus' }, '', 'Asia/Tokyo'],
  ['nothing at all', {}, '', 'Asia/Tokyo'],
])('reads the zone from %s', async (_what, tree, tz, zone) => {
  expect(await zoneOf(tree, tz)).toBe(zone);
});

test('is empty where nothing tells', async () => {
  expect(await zoneOf({}, '', 'Etc/Unknown')).toBe('');
});
