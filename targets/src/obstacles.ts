import type { DeviceFacts, VariantFacts } from './facts.ts';
import type { TargetProfile } from './profile.ts';
import { isTargetId, TARGETS } from './targets.ts';

/**
 * Share of a device's memory that one model may take: the rest is for the system, the agent, and
 * the model before it, which stays loaded until the new one is committed.
 */
export const MODEL_MEMORY_SHARE = 0.5;

type Rule = (device: DeviceFacts, variant: VariantFacts, profile: TargetProfile) => string | false;

/** What can stand in a variant's way, in the order in which it is told. */
const RULES: readonly Rule[] = [
  (device, variant, profile) => {
    if (isTargetId(device.target)) {
      return device.target !== variant.target && `is made for ${profile.name}, not for this device`;
    }
    if (!profile.genericForArch) {
      return `is made for ${profile.name} alone, and this device's target is not known`;
    }
    const arch = normalizeArch(device.arch);
    return (
      arch !== profile.arch && `needs ${profile.arch}, and this device is ${arch || 'unknown'}`
    );
  },
  (_device, variant, profile) =>
    !profile.precisions.includes(variant.precision) &&
    `is in ${variant.precision}, which ${profile.name} does not run`,
  (device, variant, profile) => {
    const limit = maxOpset(device, profile);
    return (
      variant.opset > limit && `needs opset ${variant.opset}, and the runtime ends at ${limit}`
    );
  },
  (device, variant, profile) => {
    const memory = device.memoryBytes || profile.memoryBytes;
    const limit = memory * MODEL_MEMORY_SHARE;
    return (
      variant.memoryBytes > limit &&
      `needs ${mebibytes(variant.memoryBytes)} of memory, and a model may take ${mebibytes(limit)} of ${mebibytes(memory)} here`
    );
  },
  (_device, variant) => !variant.withinBudget && 'loses more accuracy than the model allows',
  (_device, { lab }) =>
    lab !== undefined &&
    lab.failed > 0 &&
    lab.failed >= lab.devices &&
    `failed on ${lab.failed} of ${lab.failed + lab.devices} lab devices (${lab.code})`,
];

/** One sentence that tells why a variant cannot run there; undefined where it can. */
export function findObstacle(device: DeviceFacts, variant: VariantFacts): string | undefined {
  const subject = `${variant.precision} for ${variant.target}`;
  if (!isTargetId(variant.target)) return `${subject} is of a target that is not known here.`;
  const profile = TARGETS[variant.target];
  for (const rule of RULES) {
    const obstacle = rule(device, variant, profile);
    if (obstacle !== false) return `${subject} ${obstacle}.`;
  }
  return undefined;
}

/** The opset that the device reports, else the one of its class. */
function maxOpset(device: DeviceFacts, profile: TargetProfile): number {
  const reported = device.runtimes?.map((runtime) => runtime.maxOpset) ?? [];
  return device.maxOpset || Math.max(0, ...reported) || profile.maxOpset;
}

/** Whether 8-bit products may saturate on an x86 processor without VNNI (VPMADDUBSW adds in int16). */
export function saturates(device: DeviceFacts, variant: VariantFacts): boolean {
  const features = device.cpuFeatures ?? [];
  const integers = variant.precision === 'int8' || variant.precision === 'mixed';
  const hasVnni = features.some((feature) => feature.includes('vnni'));
  return variant.target === 'x86-64' && integers && features.length > 0 && !hasVnni;
}

/** Names that systems have for one architecture, as Node has them. */
export function normalizeArch(arch: string | undefined): string {
  const name = (arch ?? '').toLowerCase();
  if (['x64', 'x86_64', 'x86-64', 'amd64'].includes(name)) return 'x64';
  if (['arm64', 'aarch64', 'armv8'].includes(name)) return 'arm64';
  return ['wasm32', 'wasm', 'browser'].includes(name) ? 'wasm32' : name;
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
