import { ERRORS } from '@flotilla/protocol';

/**
 * Whose fault a failed attempt is, and so whether it is worth another one: the `network`'s passes by
 * itself; the `device` may do better a few times; the same `model` fails again on the same device;
 * a `window` was missed and comes again.
 */
export type ErrorClass = 'network' | 'device' | 'model' | 'window';

const CLASSES: Readonly<Record<string, ErrorClass>> = {
  'agent.unreachable': 'network',
  'agent.login-refused': 'network',
  'download.failed': 'network',
  'download.metered': 'network',
  'deployment.superseded': 'device',
  'download.disk-full': 'device',
  'storage.full': 'device',
  'deployment.window-closed': 'window',
};

/** Of a code that a device reported; one that is not known here is the model's. */
export function errorClass(code: string): ErrorClass {
  if (Object.hasOwn(CLASSES, code)) return CLASSES[code] ?? 'model';
  const known = Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS] : undefined;
  return known?.retryable === true ? 'device' : 'model';
}
