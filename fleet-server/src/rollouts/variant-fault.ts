import type { ErrorCode } from '@flotilla/protocol';

/**
 * Failures for which the variant is the reason: on this device the same bundle fails again, and
 * another precision of the same version may do.
 */
const VARIANT_FAULTS: ReadonlySet<string> = new Set<ErrorCode>([
  'child.crashed',
  'child.out-of-memory',
  'child.timeout',
  'deployment.errors',
  'deployment.hung',
  'deployment.load-timeout',
  'deployment.memory',
  'deployment.self-test-failed',
  'deployment.slow',
  'deployment.too-big',
  'deployment.too-slow',
  'deployment.unfit',
  'runtime.load-failed',
  'runtime.no-provider',
  'runtime.none-fits',
  'runtime.run-failed',
]);

/** @param code as the device reported it */
export const isVariantFault = (code: string): boolean => VARIANT_FAULTS.has(code);
