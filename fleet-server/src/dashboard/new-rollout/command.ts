import { LIMIT_KEYS } from '../../rollouts/gates/limits.ts';
import { GATE_NAMES } from '../../rollouts/gates/types.ts';
import type { RolloutRequest } from '../../rollouts/settings.ts';
import { writeTime } from './times.ts';

/** Fleet that the command line takes where none is named. */
const DEFAULT_FLEET = 'default';

type Option = readonly [name: string, value: string];

/** The command that asks for the same, for a POSIX shell: the command, then each option with its value. */
export function commandOf(request: RolloutRequest, fleet: string): string[] {
  const { model, version } = request;
  const options = [
    ...(fleet === DEFAULT_FLEET ? [] : ([['--fleet', fleet]] as const)),
    ...plainOptions(request),
    ...kindOptions(request),
    ...(request.maintenance ?? []).map((window): Option => ['--maintenance', windowText(window)]),
    ...gateOptions(request.gates ?? {}),
  ];
  const command = ['flotilla', 'rollout', 'create', `${model}@${version}`];
  return [command, ...options].map((words) => words.map(quote).join(' '));
}

function plainOptions(request: RolloutRequest): Option[] {
  const { devices, waves, soakMs, maxInFlight, startMs, approval, priority } = request;
  return given([
    ['--devices', devices],
    ['--waves', waves?.join(',')],
    ['--soak', soakMs === undefined ? undefined : writeTime(soakMs)],
    ['--max-in-flight', maxInFlight],
    ['--start', startMs === undefined ? undefined : new Date(startMs).toISOString()],
    ['--approval', approval],
    ['--priority', priority],
  ]);
}

function kindOptions({ kind, promote, shadow, ab }: RolloutRequest): Option[] {
  return given([
    ['--kind', kind],
    ['--promote', promote],
    ['--sample', percentOf(shadow?.samplePermille)],
    ['--busy', percentOf(shadow?.busyPermille)],
    ['--max-temperature', shadow?.maxTemperatureC],
    ['--compare', shadow?.minCompared],
    ['--share', ab?.sharePercent],
    ['--max-hours', shadow?.maxHours ?? ab?.maxHours],
  ]);
}

const percentOf = (permille: number | undefined): number | undefined =>
  permille === undefined ? undefined : permille / 10;

const given = (options: readonly [string, string | number | undefined][]): Option[] =>
  options.flatMap(([name, value]) => (value === undefined ? [] : [[name, `${value}`] as const]));

type Window = NonNullable<RolloutRequest['maintenance']>[number];

function windowText({ days = [], from, to, timeZone }: Window): string {
  const parts = [days.join(','), `${from}-${to}`, timeZone ?? ''];
  return parts.filter((part) => part !== '').join(' ');
}

function gateOptions(gates: NonNullable<RolloutRequest['gates']>): Option[] {
  const limits = GATE_NAMES.flatMap((gate): Option[] => {
    const limit = gates[LIMIT_KEYS[gate]];
    return limit === undefined ? [] : [['--gate', `${gate}=${limitText(limit)}`]];
  });
  const { minInferences, disabled = [] } = gates;
  if (minInferences !== undefined) limits.push(['--gate', `min-inferences=${minInferences}`]);
  return [...limits, ...disabled.map((gate): Option => ['--gate', `${gate}=off`])];
}

const limitText = (share: number): string => `${Number((100 * share).toPrecision(12))}%`;

/** One word of a POSIX shell, whatever it holds. */
export const quote = (word: string): string =>
  /^[\w@./-][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
