import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSelector } from './compile.ts';
import { compareVersions, readVersion } from './literals.ts';
import { toPattern } from './match.ts';
import { parseSelector } from './parse.ts';
import { DeviceView, type SelectableRow } from './view.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;

const pi: SelectableRow = {
  device: '01j00000000000000000000001',
  name: 'press 4',
  status: 'accepted',
  target: 'raspberry-pi-5',
  online: 0,
  agent_version: '0.10.2',
  protocol_minor: 2,
  enrolled_ms: NOW - 48 * 60 * MINUTE,
  last_seen_ms: NOW - 5 * MINUTE,
  time_zone: 'Europe/Paris',
  tags: JSON.stringify({ site: 'lyon', line: 'a', name: 'tagged', rack: '12', fw: '1.9.0' }),
  active: JSON.stringify([
    { model: 'parts', version: 3 },
    { model: 'sound', version: 1 },
  ]),
  capabilities: JSON.stringify({
    board: 'Raspberry Pi 5 Model B Rev 1.0',
    soc: 'brcm,bcm2712',
    arch: 'aarch64',
    os: 'Debian GNU/Linux 12',
    kernel: '6.6.31+rpt-rpi-2712',
    cores: 4,
    memoryBytes: 8_200_000_000,
    diskBytes: 3e10,
    diskFreeBytes: 5e8,
    cpuFeatures: ['asimd', 'asimddp'],
    cameras: ['video0: HD Pro Webcam C920 (usb)'],
    runtimes: [
      { name: 'onnxruntime', version: '1.20.1', maxOpset: 21, providers: ['cpu', 'xnnpack'] },
      { name: 'tflite', version: '2.17', maxOpset: 0, providers: ['cpu'] },
    ],
  }),
};

const selects = (source: string, row: SelectableRow = pi) =>
  compileSelector(source, parseSelector(source), new Map()).matches(new DeviceView(row, NOW));

describe('a selector', () => {
  it.each([
    ['all', true],
    ['*', true],
    ['site=lyon and target=raspberry-pi-5', true],
    ['site=lyon and target=jetson-orin', false],
    ['site=paris or target=raspberry-pi-5', true],
    ['site = paris or site = lyon and line = b', false],
    ['(site=paris or site=lyon) and line=a', true],
    ['not site=paris', true],
    ['not (site=lyon or line=b)', false],
    ['site!=paris', true],
    ['site!=lyon', false],
    ['site in (paris, lyon)', true],
    ['site not in (paris,lyon)', false],
    ['target=raspberry-*', true],
    ['target=*-pi-*', true],
    ['target=jetson*', false],
    ['name="press 4"', true],
    ["name='press *'", true],
    ['tag.name=tagged', true],
    ['online=false', true],
    ['version=parts@3', true],
    ['version=3', true],
    ['version!=parts@3', false],
    ['version=parts@*', true],
    ['rows=1', false],
    ['rows!=1', true],
    ['id=01j00000000000000000000001', true],
    ['NOT online=true AND ALL', true],
  ])('reads %s', (source, expected) => {
    expect(selects(source)).toBe(expected);
  });

  it.each([
    ['board="*Pi 5*" and soc="brcm,bcm2712" and arch=aarch64 and os=Debian*', true],
    ['cores >= 4 and cores < 5 and cores = 4', true],
    ['memory >= 8GB', true],
    ['memory >= 8GiB', false],
    ['disk.free < 1GB and disk > 29.5GB', true],
    ['cpu.feature = asimddp and cpu.feature != avx2', true],
    ['runtime in (tflite) and runtime.onnxruntime >= 1.20', true],
    ['runtime.onnxruntime > 1.20.1', false],
    ['runtime.tflite >= 2.9', true],
    ['runtime.openvino >= 1', false],
    ['provider=xnnpack and opset >= 21', true],
    ['opset > 21', false],
    ['camera = "*C920*" and cameras = 1', true],
    ['has camera and not has jetpack and has site and not has rows', true],
    ['kernel >= 6.6.31 and kernel < 6.10', true],
    ['agent >= 0.2 and agent = 0.10.*', true],
    ['agent < 0.9', false],
    ['protocol <= 2', true],
    ['timezone = Europe/*', true],
    ['seen < 10m and seen >= 300s and enrolled > 1.5d', true],
    ['seen < 5m', false],
    ['status = accepted', true],
    ['rack >= 9 and rack < 100', true],
    ['site > 1', false],
    ['fw < 1.10.0', true],
  ])('asks %s', (source, expected) => {
    expect(selects(source)).toBe(expected);
  });

  it.each([
    ['cores = four', 9, 'expected a number, found "four"'],
    ['memory >= 4QB', 11, 'a size such as 512MB or 4GB'],
    ['seen < 10', 8, 'a time such as 10m'],
    ['agent >= new', 10, 'a version such as 1.20'],
    ['name > a', 6, 'name has no order'],
    ['online = yes', 10, 'online is true or false'],
    ['site < lyon', 8, 'a number or a version'],
    ['group > 3', 7, 'with names of groups'],
    ['line = a and has group', 18, 'with names of groups'],
  ])('says where %j cannot be asked', (source, at, reason) => {
    try {
      selects(source);
      expect.unreachable();
    } catch (error) {
      expect(isFlotillaError(error, 'selector.invalid') && error.context.at).toBe(at);
      expect(String(error)).toContain(reason);
    }
  });

  it('takes a device that has said nothing, or nonsense, for one that has nothing', () => {
    const silent = { ...pi, capabilities: '{}', active: '[]', last_seen_ms: 0, agent_version: '' };
    const nonsense = {
      ...pi,
      capabilities: JSON.stringify({
        ...{ cores: 'many', memoryBytes: null, runtimes: [null, 3, { name: 7 }], board: ['x'] },
        ...{ cameras: { length: 5 }, cpuFeatures: [1, 'neon'] },
      }),
    };
    for (const row of [silent, nonsense, { ...pi, capabilities: '[]' }]) {
      expect(selects('has cores or has memory or has runtime or has board', row)).toBe(false);
      expect(selects('cameras > 0 or opset > 0 or runtime.onnxruntime >= 0', row)).toBe(false);
    }
    expect(selects('cpu.feature = neon', nonsense)).toBe(true);
    expect(selects('seen < 1000d or has agent or version = parts@3', silent)).toBe(false);
  });

  it('has seen a device that is online just now', () => {
    expect(selects('seen < 1s', { ...pi, online: 1 })).toBe(true);
  });

  it('does not reach the prototype of the tags', () => {
    expect(selects('constructor=*')).toBe(false);
    expect(selects('__proto__=*')).toBe(false);
    expect(selects('toString=* or has hasOwnProperty')).toBe(false);
  });

  it('reads only the columns that it needs', () => {
    const columnsOf = (source: string) => [
      ...compileSelector(source, parseSelector(source), new Map()).columns,
    ];
    expect(columnsOf('online=true and target=x and seen < 5m')).toEqual([]);
    expect(columnsOf('site=lyon')).toEqual(['tags']);
    expect(columnsOf('not (cores > 2 or version=parts@1)')).toEqual(['capabilities', 'active']);
  });
});

describe('a pattern', () => {
  it('matches what a regular expression of the same meaning matches', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    const value = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(text, value, (pattern, given) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 's');
        expect(toPattern(pattern)(given)).toBe(expression.test(given));
      }),
    );
  });

  it('of many stars is no slower than the value is long', () => {
    const matches = toPattern(`${'a*'.repeat(400)}b`);
    const value = 'a'.repeat(512);
    const began = process.cpuUsage();
    for (let i = 0; i < 1000; i++) expect(matches(value)).toBe(false);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(500);
  });
});

describe('versions', () => {
  it('are ordered part by part', () => {
    const order = ['0.9', '1', '1.2', '1.2.1', '1.10', '1.10.0.1', '2.0'];
    const versions = order.map((text) => readVersion(text)!);
    expect(versions.toSorted(compareVersions)).toEqual(versions);
    expect(compareVersions([1, 2], [1, 2, 0])).toBe(0);
    expect(readVersion('6.2 (L4T 36.4.3)')).toEqual([6, 2]);
    expect(readVersion('unknown')).toBeUndefined();
  });
});
