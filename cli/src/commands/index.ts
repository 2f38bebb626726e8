import type { Command } from 'commander';
import type { Context } from '../context.ts';

/** A command's module: it fills a commander command and is loaded only when it is called. */
export interface CommandModule {
  define(command: Command, context: Context): void;
}

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command of `flotilla`, in the order of the help text. */
export const COMMANDS = {
  demo: {
    summary: 'Show a whole fleet on this machine: build, roll out, stop a bad version, see drift',
    load: () => import('./demo.ts'),
  },
  serve: {
    summary: 'Run the fleet server: API and dashboard, MQTT broker, builder',
    load: () => import('./serve.ts'),
  },
  simulate: {
    summary: 'Let simulated devices join a fleet: try a rollout before the real one',
    load: () => import('./simulate.ts'),
  },
  optimize: {
    summary: 'Make verified, signed variants of a model for one or more targets',
    load: () => import('./optimize.ts'),
  },
  convert: {
    summary: 'Make the graph of a model smaller without data: fold, fuse, remove, cut',
    load: () => import('./convert.ts'),
  },
  inspect: {
    summary: 'Say what is in a model file or a bundle',
    load: () => import('./inspect.ts'),
  },
  bundle: {
    summary: 'Take the model out of a bundle, for use without an agent',
    load: () => import('./bundle.ts'),
  },
  compare: {
    summary: 'Compare two models on the same data, in pairs',
    load: () => import('./compare.ts'),
  },
  bench: {
    summary: 'Measure the latency of models on this machine',
    load: () => import('./bench.ts'),
  },
  targets: {
    summary: 'List the hardware targets and what they run best',
    load: () => import('./targets.ts'),
  },
  model: {
    summary: 'Push models to a fleet server and list them',
    load: () => import('./model.ts'),
  },
  fleet: {
    summary: 'Say what the devices of a fleet may download over which links',
    load: () => import('./fleet.ts'),
  },
  agent: {
    summary: 'Push releases of the agent, which devices update themselves to, and list them',
    load: () => import('./agent.ts'),
  },
  device: { summary: 'List, select and inspect devices', load: () => import('./device.ts') },
  group: {
    summary: 'Put devices into groups, by hand or by what they are, and name these in selectors',
    load: () => import('./group.ts'),
  },
  rollout: {
    summary: 'Roll a version out in waves, watch it, stop it',
    load: () => import('./rollout.ts'),
  },
  lab: {
    summary: 'Have the variants of a version measured on real devices, and chosen by it',
    load: () => import('./lab.ts'),
  },
  drift: { summary: 'List the drift alerts of a fleet', load: () => import('./drift.ts') },
  token: { summary: 'Make claim tokens for devices', load: () => import('./token.ts') },
  keys: { summary: 'Export the local signing key’s public root', load: () => import('./keys.ts') },
} as const satisfies Record<string, Entry>;

export type CommandName = keyof typeof COMMANDS;

export const isCommand = (name: string | undefined): name is CommandName =>
  name !== undefined && Object.hasOwn(COMMANDS, name);
