import type { Capabilities } from '@flotilla/protocol';
import type { DeviceFacts } from './facts.ts';
import { normalizeArch } from './obstacles.ts';
import type { TargetId } from './profile.ts';
import { isTargetId } from './targets.ts';

type Detected = Partial<
  Pick<
    Capabilities,
    'target' | 'declared' | 'board' | 'soc' | 'arch' | 'os' | 'cpuModel' | 'runtimes'
  >
>;

/**
 * Model strings that the boards' device trees give, most particular first: "Jetson Orin Nano" is
 * an Orin, "Jetson Xavier NX" a Xavier.
 */
const BOARDS: readonly (readonly [RegExp, TargetId])[] = [
  [/raspberry pi (5|500|compute module 5)\b/i, 'raspberry-pi-5'],
  [/raspberry pi (4|400|compute module 4)\b/i, 'raspberry-pi-4'],
  [/raspberry pi (3|zero 2|compute module 3)\b/i, 'raspberry-pi-3'],
  [/\borin\b/i, 'jetson-orin'],
  [/\bxavier\b/i, 'jetson-xavier'],
  [/jetson[ -](nano|tx1)\b/i, 'jetson-nano'],
];

/**
 * Systems on chip, for a module on another maker's carrier board, whose model string is the
 * maker's own: all that computes is on the chip.
 */
const SOCS: Readonly<Record<string, TargetId>> = {
  'brcm,bcm2712': 'raspberry-pi-5',
  'brcm,bcm2711': 'raspberry-pi-4',
  'brcm,bcm2837': 'raspberry-pi-3',
  'brcm,bcm2710': 'raspberry-pi-3',
  'nvidia,tegra210': 'jetson-nano',
  'nvidia,tegra194': 'jetson-xavier',
  'nvidia,tegra234': 'jetson-orin',
};

/**
 * The hardware class of a device from what it reports: a declared target, else the board's model
 * string, else its system on chip, else the architecture. Undefined where no class fits, such as a
 * 32-bit system.
 */
export function detectTarget(capabilities: Detected): TargetId | undefined {
  const { target = '', declared = false, board = '', soc = '' } = capabilities;
  if (declared && isTargetId(target)) return target;
  const arch = normalizeArch(capabilities.arch);
  if (arch === 'x64') return 'x86-64';
  if (arch === 'wasm32') return detectBrowser(capabilities);
  if (arch !== 'arm64') return undefined;
  return BOARDS.find(([pattern]) => pattern.test(board))?.[1] ?? bySoc(soc);
}

const bySoc = (soc: string): TargetId | undefined =>
  Object.hasOwn(SOCS, soc) ? SOCS[soc] : undefined;

function detectBrowser({ runtimes = [] }: Detected): TargetId {
  const gpu = runtimes.some((runtime) => runtime.providers.includes('webgpu'));
  return gpu ? 'browser-webgpu' : 'browser-wasm';
}

type Reported = Detected &
  Pick<Capabilities, 'target' | 'arch' | 'memoryBytes' | 'cpuFeatures' | 'runtimes'>;

/** What `chooseVariant` wants to know, from what a device reports. */
export function deviceFacts(capabilities: Reported): DeviceFacts {
  const { target, arch, memoryBytes, cpuFeatures, runtimes } = capabilities;
  return {
    target: isTargetId(target) ? target : (detectTarget(capabilities) ?? ''),
    arch,
    memoryBytes,
    maxOpset: Math.max(0, ...runtimes.map((runtime) => runtime.maxOpset)),
    runtimes,
    cpuFeatures,
  };
}
