import type { Network } from '../../core/index.ts';
import type { Execute } from '../execute.ts';
import type { SystemFiles } from './system-files.ts';

/** What the owner says of the device's link; `auto`: find out. */
export const METERED_LINKS = ['auto', 'yes', 'no'] as const;
export type MeteredLink = (typeof METERED_LINKS)[number];

/** Modems by the names that kernel and ModemManager give them, where the kernel tells no kind. */
const MODEM_NAME = /^(wwan|wwp|ppp|rmnet|cdc-wdm)/;
/** ARPHRD_PPP and ARPHRD_RAWIP of the kernel's if_arp.h: what modems speak. */
const MODEM_TYPES: ReadonlySet<number | undefined> = new Set([512, 519]);
const ROUTE_UP = 1;

/** The interface of the default route, and whether it costs by the byte. */
export async function readNetwork(
  files: SystemFiles,
  execute: Execute,
  said: MeteredLink = 'auto',
): Promise<Network> {
  const name = (await defaultV4(files)) ?? (await defaultV6(files)) ?? '';
  if (said !== 'auto') return { name, metered: said === 'yes', why: 'as its owner says' };
  if (name === '') return { name, metered: false, why: 'there is no default route' };
  return { name, ...((await askManager(execute, name)) ?? (await judgeKind(files, name))) };
}

/** Of several default routes the kernel takes the one with the lowest metric. */
async function defaultV4(files: SystemFiles): Promise<string | undefined> {
  const rows = (await files.text('proc/net/route')).split('\n').map((row) => row.split(/\s+/));
  const routes = rows.flatMap(([name = '', to, , flags = '', , , metric, mask]) => {
    const isDefault = to === '00000000' && mask === '00000000';
    const isUp = (Number.parseInt(flags, 16) & ROUTE_UP) !== 0;
    return isDefault && isUp ? [{ name, metric: Number(metric) }] : [];
  });
  return routes.sort((a, b) => a.metric - b.metric)[0]?.name;
}

/** Columns of `/proc/net/ipv6_route`: destination, prefix, …, metric (hex), …, flags, interface. */
async function defaultV6(files: SystemFiles): Promise<string | undefined> {
  const rows = (await files.text('proc/net/ipv6_route')).split('\n');
  const routes = rows.flatMap((row) => {
    const [to = '', prefix, , , , metric = '', , , flags = '', name = ''] = row.trim().split(/\s+/);
    const isDefault = /^0{32}$/.test(to) && prefix === '00' && name !== 'lo';
    const isUp = (Number.parseInt(flags, 16) & ROUTE_UP) !== 0;
    return isDefault && isUp ? [{ name, metric: Number.parseInt(metric, 16) }] : [];
  });
  return routes.sort((a, b) => a.metric - b.metric)[0]?.name;
}

type Verdict = Omit<Network, 'name'>;

/** NetworkManager says `yes`, `no`, `yes (guessed)`, `no (guessed)` or `unknown`. */
async function askManager(execute: Execute, name: string): Promise<Verdict | undefined> {
  const told = await execute('nmcli', '-g', 'GENERAL.METERED', 'device', 'show', name);
  const [, word] = /^(yes|no)\b/.exec(told?.code === 0 ? told.stdout : '') ?? [];
  if (word === undefined) return undefined;
  return { metered: word === 'yes', why: 'as NetworkManager says' };
}

async function judgeKind(files: SystemFiles, name: string): Promise<Verdict> {
  const [uevent, type] = await Promise.all([
    files.text(`sys/class/net/${name}/uevent`),
    files.number(`sys/class/net/${name}/type`),
  ]);
  const kind = /^DEVTYPE=(\w+)$/m.exec(uevent)?.[1] ?? '';
  if (kind === 'wwan' || MODEM_TYPES.has(type) || MODEM_NAME.test(name)) {
    return { metered: true, why: 'it is a modem' };
  }
  return { metered: false, why: kind === '' ? 'it is no modem' : `its kind is ${kind}` };
}
