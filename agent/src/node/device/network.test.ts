import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Execute } from '../execute.ts';
import { type MeteredLink, readNetwork } from './network.ts';
import { systemFiles } from './system-files.ts';

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function tree(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'flotilla-network-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return systemFiles(root);
}

const HEAD = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n';
const route = (name: string, metric: number, flags = '0003') =>
  `${name}\t00000000\t0101A8C0\t${flags}\t0\t0\t${metric}\t00000000\t0\t0\t0\n`;
const routes = (...rows: string[]) => ({ 'proc/net/route': HEAD + rows.join('') });
const V6 =
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003    wwan0\n' +
  '00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n';

const noManager: Execute = async () => undefined;
const says =
  (stdout: string, code = 0): Execute =>
  async () => ({ code, stdout });

describe('network', () => {
  test.each<[string, Record<string, string>, Execute, MeteredLink, string, boolean]>([
    ['a cable', routes(route('eth0', 100)), noManager, 'auto', 'eth0', false],
    ['a modem', routes(route('wwan0', 700)), noManager, 'auto', 'wwan0', true],
    [
      'the lower metric',
      routes(route('ppp0', 700), route('eth0', 100)),
      noManager,
      'auto',
      'eth0',
      false,
    ],
    [
      'a link that is up',
      routes(route('eth0', 1, '0002'), route('ppp0', 700)),
      noManager,
      'auto',
      'ppp0',
      true,
    ],
    ['IPv6 alone', { ...routes(), 'proc/net/ipv6_route': V6 }, noManager, 'auto', 'wwan0', true],
    ['no route', routes(), noManager, 'auto', '', false],
    [
      'a modem under another name',
      {
        ...routes(route('net0', 1)),
        'sys/class/net/net0/uevent': 'DEVTYPE=wwan\nINTERFACE=net0\n',
      },
      noManager,
      'auto',
      'net0',
      true,
    ],
    [
      'raw IP',
      { ...routes(route('net0', 1)), 'sys/class/net/net0/type': '519\n' },
      noManager,
      'auto',
      'net0',
      true,
    ],
    [
      'a hotspot that NetworkManager guessed',
      routes(route('wlan0', 600)),
      says('yes (guessed)\n'),
      'auto',
      'wlan0',
      true,
    ],
    ['a modem with a flat rate', routes(route('wwan0', 700)), says('no\n'), 'auto', 'wwan0', false],
    [
      'NetworkManager does not know',
      routes(route('wwan0', 700)),
      says('unknown\n'),
      'auto',
      'wwan0',
      true,
    ],
    [
      'NetworkManager does not run',
      routes(route('wwan0', 700)),
      says('', 8),
      'auto',
      'wwan0',
      true,
    ],
    ['the owner says yes', routes(route('eth0', 1)), says('no\n'), 'yes', 'eth0', true],
    ['the owner says no', routes(route('wwan0', 1)), noManager, 'no', 'wwan0', false],
  ])('%s', async (_what, files, execute, said, name, metered) => {
    expect(await readNetwork(await tree(files), execute, said)).toMatchObject({ name, metered });
  });
});
