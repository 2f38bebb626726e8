import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { TARGETS } from '@flotilla/targets';
import { type Check, type Finding, fail, gigabytes, ok, type Patient, warn } from './check.ts';

/** The agent itself takes 110 to 145 MB, a small model some tens more. */
const SMALL_MEMORY_BYTES = 400e6;

export const HARDWARE_CHECKS: readonly Check[] = [
  { name: 'board', run: checkBoard },
  { name: 'processor', run: checkProcessor },
  { name: 'memory', run: checkMemory },
  { name: 'heat', run: checkHeat },
  { name: 'cameras', run: checkCameras },
];

function checkBoard({ capabilities }: Patient): Finding {
  const { board, soc, target, declared, jetpack, powerMode } = capabilities;
  const parts = [
    board || soc || 'a board that does not tell its name',
    jetpack && `JetPack ${jetpack}`,
    powerMode && `power mode ${powerMode}`,
  ].filter((part) => part !== '');
  if (target !== '') {
    return ok(`${parts.join(', ')}; target ${target}${declared ? ' as declared' : ''}`);
  }
  return warn(
    `${parts.join(', ')}; no target fits`,
    `name one when enrolling: flotilla-agent enroll --target ${Object.keys(TARGETS)[0]}, or another of ${Object.keys(TARGETS).slice(1).join(', ')}`,
  );
}

/** What makes int8 fast, in the words of each architecture. */
const INT8_FEATURES: readonly (readonly [RegExp, string])[] = [
  [/^i8mm$/, 'int8 matrix product'],
  [/^asimddp$/, 'dot product'],
  [/^amx_int8$/, 'AMX'],
  [/vnni$/, 'VNNI'],
  [/^avx2$/, 'AVX2'],
];

function checkProcessor({ capabilities }: Patient): Finding {
  const { cores, cpuModel, arch, cpuFeatures } = capabilities;
  const what = `${cores} × ${cpuModel || arch}`;
  const found = INT8_FEATURES.filter(([pattern]) => cpuFeatures.some((name) => pattern.test(name)));
  const fast = found.map(([, name]) => name);
  const has = (name: string) => fast.includes(name);
  const helps = ['int8 matrix product', 'dot product', 'AMX', 'VNNI'].some(has);
  const note = helps ? '' : '; without such, int8 saves memory more than time';
  return ok(`${what}, ${fast.join(', ') || 'no int8 instructions'}${note}`);
}

async function checkMemory({ capabilities, files }: Patient): Promise<Finding> {
  const { memoryBytes } = capabilities;
  const kilobytes = /^MemAvailable:\s*(\d+) kB/m.exec(await files.text('proc/meminfo'))?.[1];
  const available = Math.min(memoryBytes, Number(kilobytes ?? 0) * 1024);
  const what = `${gigabytes(memoryBytes)}, of which ${gigabytes(available)} are available`;
  if (available >= SMALL_MEMORY_BYTES) return ok(what);
  return warn(what, 'stop other programs, or run one small model only: the agent takes 0.15 GB');
}

function checkHeat({ condition }: Patient): Finding {
  const { temperatureC, throttledBy } = condition;
  const degrees = temperatureC > 0 ? `${temperatureC.toFixed(0)} °C` : 'no sensor';
  if (throttledBy.length === 0) return ok(`${degrees}, not throttled`);
  const voltage = throttledBy.some((reason) => reason.includes('voltage'));
  return warn(
    `${degrees}, throttled: ${throttledBy.join(', ')}`,
    voltage ? 'use a stronger power supply and a shorter cable' : 'cool the processor better',
  );
}

async function checkCameras({ capabilities, files }: Patient): Promise<Finding> {
  const { cameras } = capabilities;
  if (cameras.length === 0) return ok('none found');
  const nodes = await files.names('dev', /^video\d+$/);
  const closed = await Promise.all(
    nodes.map((node) =>
      access(`/dev/${node}`, constants.R_OK | constants.W_OK).then(
        () => '',
        () => node,
      ),
    ),
  );
  const refused = closed.filter((node) => node !== '');
  if (refused.length === 0) return ok(cameras.join(', '));
  return fail(
    `${cameras.join(', ')}; this user may not open ${refused.map((node) => `/dev/${node}`).join(', ')}`,
    'usermod -aG video USER, and log in again; the installed service is in that group',
  );
}
