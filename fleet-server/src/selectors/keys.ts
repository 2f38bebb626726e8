import type { DeviceView, JsonColumn } from './view.ts';

/** What the values of a key are, and so what they can be compared with. */
export type KeyKind = 'text' | 'flag' | 'number' | 'size' | 'version' | 'age' | 'tag';

export interface Key {
  readonly kind: KeyKind;
  /** Column of JSON that it reads; undefined: plain columns only. */
  readonly column: JsonColumn | undefined;
  /** The values that a device has: none, one, or several. Sizes are bytes, ages milliseconds. */
  readonly read: (device: DeviceView) => readonly (string | number)[];
}

type Reader<T> = (device: DeviceView) => T;

const some = (text: string): string[] => (text === '' ? [] : [text]);
const positive = (number: number): number[] => (number > 0 ? [number] : []);

const row = (kind: KeyKind, read: Key['read']): Key => ({ kind, column: undefined, read });
const said = (kind: KeyKind, read: Reader<string | number | readonly string[]>): Key => ({
  kind,
  column: 'capabilities',
  read: (device) => {
    const value = read(device);
    if (typeof value === 'number') return positive(value);
    return typeof value === 'string' ? some(value) : value.filter((text) => text !== '');
  },
});

/** The built-in keys. `group` is not among them: what it says lies in other tables. */
const KEYS = {
  id: row('text', (d) => [d.row.device]),
  name: row('text', (d) => some(d.row.name)),
  target: row('text', (d) => some(d.row.target)),
  status: row('text', (d) => [d.row.status]),
  online: row('flag', (d) => [String(d.row.online === 1)]),
  agent: row('version', (d) => some(d.row.agent_version)),
  protocol: row('number', (d) => [d.row.protocol_minor]),
  enrolled: row('age', (d) => [d.now - d.row.enrolled_ms]),
  seen: row('age', ({ row: { online, last_seen_ms }, now }) =>
    online === 1 ? [0] : last_seen_ms === 0 ? [] : [now - last_seen_ms],
  ),
  version: {
    kind: 'text',
    column: 'active',
    read: (d) => d.active.flatMap(({ model, version }) => [`${model}@${version}`, `${version}`]),
  },
  timezone: {
    kind: 'text',
    column: 'tags',
    read: (d) => (d.row.time_zone === '' ? d.tag('timezone') : [d.row.time_zone]),
  },
  board: said('text', (d) => d.capability('board')),
  soc: said('text', (d) => d.capability('soc')),
  arch: said('text', (d) => d.capability('arch')),
  os: said('text', (d) => d.capability('os')),
  kernel: said('version', (d) => d.capability('kernel')),
  jetpack: said('version', (d) => d.capability('jetpack')),
  libc: said('text', (d) => d.capability('libc')),
  cpu: said('text', (d) => d.capability('cpuModel')),
  'cpu.feature': said('text', (d) => d.capability('cpuFeatures')),
  cores: said('number', (d) => d.capability('cores')),
  memory: said('size', (d) => d.capability('memoryBytes')),
  disk: said('size', (d) => d.capability('diskBytes')),
  'disk.free': said('size', (d) => d.capability('diskFreeBytes')),
  camera: said('text', (d) => d.capability('cameras')),
  cameras: said('number', (d) => d.capability('cameras').length),
  'power.mode': said('text', (d) => d.capability('powerMode')),
  container: said('text', (d) => d.capability('container')),
  runtime: said('text', (d) => d.capability('runtimes').map(({ name }) => name)),
  provider: said('text', (d) => d.capability('runtimes').flatMap(({ providers }) => providers)),
  opset: {
    kind: 'number',
    column: 'capabilities',
    read: (d) => d.capability('runtimes').flatMap(({ maxOpset }) => positive(maxOpset)),
  },
} as const satisfies Record<string, Key>;

export const GROUP = 'group';

/** Every key that is not a tag's. */
export const BUILT_IN: readonly string[] = [...Object.keys(KEYS), GROUP];

const TAG = 'tag.';
const RUNTIME = 'runtime.';

/** Of `tag.KEY`, or of any key that is not built in. */
const tagKey = (name: string): Key => ({
  kind: 'tag',
  column: 'tags',
  read: (device) => device.tag(name),
});

const runtimeKey = (name: string): Key => ({
  kind: 'version',
  column: 'capabilities',
  read: (device) =>
    device.capability('runtimes').flatMap((one) => (one.name === name ? some(one.version) : [])),
});

export function keyOf(name: string): Key {
  if (Object.hasOwn(KEYS, name)) return KEYS[name as keyof typeof KEYS];
  if (name.startsWith(TAG)) return tagKey(name.slice(TAG.length));
  if (name.startsWith(RUNTIME)) return runtimeKey(name.slice(RUNTIME.length));
  return tagKey(name);
}

/** Whether only the tags of a fleet can tell that the key means something. */
export const isPlainTag = (name: string): boolean =>
  name !== GROUP && keyOf(name).kind === 'tag' && !name.startsWith(TAG);
