/** Packs the agent into `dist/`, one file for each platform; names of platforms choose some. */

import { packAgent } from './agent-package/pack.ts';
import { ARCHES, isArch } from './agent-package/parts.ts';

const given = process.argv.slice(2);
const unknown = given.find((arch) => !isArch(arch));
if (unknown !== undefined) {
  console.error(`build:agent packs for ${ARCHES.join(' and ')}, not ${unknown}`);
  process.exit(2);
}
for (const arch of given.length > 0 ? given.filter(isArch) : ARCHES) {
  const { file, bytes } = await packAgent(arch, 'dist');
  console.log(`${file} (${(bytes / 1e6).toFixed(1)} MB)`);
}
