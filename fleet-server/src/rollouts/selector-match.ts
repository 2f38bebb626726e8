/** What a selector may ask about a device. */
export interface SelectableDevice {
  readonly id: string;
  readonly name: string;
  readonly target: string;
  readonly online: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Versions that the device runs, as `model@version`. */
  readonly versions: readonly string[];
}

const KEYS: Readonly<Record<string, (device: SelectableDevice) => readonly string[]>> = {
  id: (device) => [device.id],
  name: (device) => [device.name],
  target: (device) => [device.target],
  online: (device) => [String(device.online)],
  version: (device) => device.versions.flatMap((one) => [one, one.slice(one.indexOf('@') + 1)]),
};

/** The values that a device has for a key: none, one, or several. */
export function valuesOf(key: string): (device: SelectableDevice) => readonly string[] {
  const known = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  if (known !== undefined) return known;
  const tag = key.startsWith('tag.') ? key.slice('tag.'.length) : key;
  return ({ tags }) => (Object.hasOwn(tags, tag) ? [tags[tag] ?? ''] : []);
}

/** Whether any of the device's values matches any of the patterns. */
export function holds(
  values: (device: SelectableDevice) => readonly string[],
  patterns: readonly string[],
): (device: SelectableDevice) => boolean {
  return (device) =>
    values(device).some((value) => patterns.some((pattern) => matches(pattern, value)));
}

/** Linear in the value for each `*`: parts are looked for from left to right. */
function matches(pattern: string, value: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  if (parts.length === 1) return value === first;
  const last = parts.at(-1) ?? '';
  if (!value.startsWith(first) || !value.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const index = value.indexOf(part, at);
    if (index < 0) return false;
    at = index + part.length;
  }
  return at <= value.length - last.length;
}
