import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENT_SLOT } from '@flotilla/protocol';
import type { Command } from 'commander';
import { findPackages } from '../agent-release/packages.ts';
import { writeReleases } from '../agent-release/write-releases.ts';
import { type Api, type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { localKey } from '../local-key.ts';
import { tarStream } from '../tar-stream.ts';
import { addExamples } from '../ui/examples.ts';
import { table } from '../ui/table.ts';

interface Options extends ApiOptions {
  readonly json?: boolean;
}

interface Release {
  readonly version: number;
  readonly variants: readonly {
    readonly target: string;
    readonly precision: string;
    readonly bytes: number;
  }[];
}

const EXAMPLE = `
Example:
  flotilla agent push dist/
  flotilla agent list
  flotilla rollout create ${AGENT_SLOT}@1 --waves 1,10%,100% --watch`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  withApiOptions(
    command
      .command('push')
      .argument('<path>', 'package of the agent (.tar.gz or folder), or a folder of packages'),
    context,
  )
    .description('send packages of the agent as the next release, for the devices to update to')
    .action((path: string, options: Options) => push(path, options, context));
  withApiOptions(command.command('list'), context)
    .description('list the releases of the agent that the fleet has')
    .action((options: Options) => list(options, context));
}

async function push(path: string, options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const progress = context.progress();
  const staging = await mkdtemp(join(tmpdir(), 'flotilla-release-'));
  try {
    await mkdir(join(staging, 'bundles'));
    progress.update('reading', 0);
    const packages = await findPackages(path, join(staging, 'packages'));
    const { keyPair } = await localKey(context.settings.home);
    const bundles = await writeReleases(packages, join(staging, 'bundles'), {
      release: (await newest(api)) + 1,
      keyPair,
      fleet: options.fleet,
      onPackage: (platform) => progress.update(`packing ${platform}`, 0.3),
    });
    progress.update('sending', 0.7);
    const { version } = await api.upload<{ version: number }>(
      `/models/${AGENT_SLOT}/versions`,
      'application/x-tar',
      tarStream(bundles),
    );
    const release = await api.get<Release>(`/models/${AGENT_SLOT}/versions/${version}`);
    progress.clear();
    if (options.json) context.json(release);
    context.say(`${AGENT_SLOT}@${version} is ready`);
    sayReleases([release], context);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function newest(api: Api): Promise<number> {
  const models = await api.all<{ model: string; lastVersion: number }>('/models');
  return models.find(({ model }) => model === AGENT_SLOT)?.lastVersion ?? 0;
}

async function list(options: Options, context: Context): Promise<void> {
  const api = connect(options);
  const path = `/models/${AGENT_SLOT}/versions`;
  const versions = await api.all<{ version: number }>(path);
  const releases = await Promise.all(
    versions.map(({ version }) => api.get<Release>(`${path}/${version}`)),
  );
  if (options.json) context.json({ releases });
  if (releases.length > 0) sayReleases(releases, context);
  else context.say('no releases yet: send one with flotilla agent push');
}

function sayReleases(releases: readonly Release[], context: Context): void {
  const rows = releases.flatMap(({ version, variants }) =>
    variants.map(({ target, precision, bytes }) => [
      `${AGENT_SLOT}@${version}`,
      precision,
      target,
      `${(bytes / 1e6).toFixed(1)} MB`,
    ]),
  );
  context.say(table(['release', 'agent', 'platform', 'size'], rows, context.columns));
}
