import { expect, onTestFinished, test } from 'vitest';
import { plantTree, type Tree } from '../../testing/boards.ts';
import { systemFiles } from './system-files.ts';
import { readTimeZone } from './time-zone.ts';

const DATABASE = Object.fromEntries(
  ['UTC', 'Europe/Paris', 'America/Lima', 'Asia/Kolkata'].map((name) => [
    `usr/share/zoneinfo/${name}`,
    'TZif2',
  ]),
);

async function zoneOf(tree: Tree, tz?: string): Promise<string> {
  const { root, remove } = await plantTree(tree);
  onTestFinished(remove);
  return readTimeZone(systemFiles(root), tz);
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
  ['no offset in TZ', debian, '+02:00', 'America/Lima'],
  ['a zone that nobody knows', { 'etc/timezone': 'Mars/Olympus' }, '', 'UTC'],
  ['nothing at all', {}, '', 'UTC'],
])('reads the zone from %s', async (_what, tree, tz, zone) => {
  expect(await zoneOf({ ...DATABASE, ...tree }, tz)).toBe(zone);
});

test('believes a name where the system has no database of zones', async () => {
  expect(await zoneOf(debian)).toBe('America/Lima');
});
