import { AGENT_SLOT_MINOR, type Capabilities } from '@flotilla/protocol';
import type { Selectable } from 'kysely';
import type { DevicesTable, VariantsTable } from '../db/schema.ts';
import type { Choice } from './choose.ts';

/** How kernels and Node name the processors that agents are packed for. */
const ARCHES: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  x64: 'x64',
  aarch64: 'arm64',
  arm64: 'arm64',
};

/** The package of a release that runs on a device, or why the device cannot take it. */
export function chooseRelease(
  {
    capabilities,
    protocol_minor,
    last_seen_ms,
  }: Pick<Selectable<DevicesTable>, 'capabilities' | 'protocol_minor' | 'last_seen_ms'>,
  packages: readonly Selectable<VariantsTable>[],
): Choice {
  const said = JSON.parse(capabilities) as Partial<Capabilities>;
  const none = (reason: string): Choice => ({ variant: undefined, reason });
  if (last_seen_ms === 0) {
    return none('its agent has never connected: start it with flotilla-agent launch');
  }
  if (protocol_minor < AGENT_SLOT_MINOR) {
    return none('its agent is too old to update itself: install the newer package by hand');
  }
  if (said.selfUpdate !== true) {
    return none('no launcher started its agent: start it with flotilla-agent launch');
  }
  const { arch = '', libc = '' } = said;
  const platform = `linux-${Object.hasOwn(ARCHES, arch) ? ARCHES[arch] : arch}`;
  const variant = packages.find(({ target }) => target === platform);
  if (variant === undefined) {
    const known = packages.map(({ target }) => target).join(', ');
    return none(`the release has no package for ${platform}, only for ${known}`);
  }
  if (!libc.startsWith('glibc')) return none(`its libc is ${libc || 'unknown'}, and not glibc`);
  return { variant, reason: `agent ${variant.precision} for ${platform}` };
}
