import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { asFlotillaError } from '@flotilla/protocol';
import { fail, ok, type Result, warn } from '../doctor/check.ts';
import { schemeOf, shownUrl } from './address.ts';
import { ffmpegVersion } from './ffmpeg.ts';
import { readFlows } from './parse.ts';
import {
  type FlowConfig,
  type MqttConfig,
  SINKS,
  type SinkConfig,
  SOURCES,
  type SourceConfig,
} from './schema.ts';

/** Something that a flow needs on this device: a path, and how it is to be there. */
interface Need {
  readonly path: string;
  readonly mode: 'read' | 'write' | 'create' | 'device';
}

/** The rows of names have so much room. */
const NAME_WIDTH = 10;

/**
 * Looks at what the flows of a file need of this device. Nothing is opened, sent or started.
 *
 * @throws FlotillaError `flows.unreadable`, `flows.invalid`
 */
export async function checkFlows(file: string): Promise<Result[]> {
  const flows = await readFlows(file);
  const folder = dirname(resolve(file));
  const count = flows.length === 1 ? '1 flow' : `${flows.length} flows`;
  const rows = await Promise.all([
    checkFfmpeg(flows),
    checkSecrets(file, flows),
    ...flows.map((flow) => checkFlow(flow, folder)),
  ]);
  return [{ name: 'file', ...ok(count) }, ...rows.flat()];
}

async function checkFfmpeg(flows: readonly FlowConfig[]): Promise<Result[]> {
  const needed = flows.some(({ source }) =>
    ['camera', 'video', 'microphone', 'wav'].some((kind) => kind in source),
  );
  if (!needed) return [];
  try {
    return [{ name: 'ffmpeg', ...ok(await ffmpegVersion()) }];
  } catch (error) {
    const remedy = 'apt-get install ffmpeg';
    return [{ name: 'ffmpeg', ...fail(asFlotillaError(error).message, remedy) }];
  }
}

/** A file with a password in it is its owner's alone. */
async function checkSecrets(file: string, flows: readonly FlowConfig[]): Promise<Result[]> {
  const text = JSON.stringify(flows);
  const holds = /"(password|secret)":|:\/\/[^"/]*:[^"/]*@/.test(text);
  const { mode } = await stat(file);
  if (!holds || (mode & 0o077) === 0) return [];
  const finding = 'the file holds a password or secret, and other users may read it';
  return [{ name: 'secrets', ...warn(finding, `chmod 600 ${file}`) }];
}

async function checkFlow(flow: FlowConfig, folder: string): Promise<Result[]> {
  const name = flow.name.slice(0, NAME_WIDTH);
  const needs = [...sourceNeeds(flow.source), ...flow.sinks.flatMap(sinkNeeds)];
  const faults = await Promise.all(needs.map((need) => faultOf(need, folder)));
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length > 0) return found.map((fault) => ({ name, ...fault }));
  const ways = [flow.source, ...flow.sinks].map(describe);
  return [{ name, ...ok(`${ways[0]} → ${flow.model} → ${ways.slice(1).join(', ')}`) }];
}

function sourceNeeds(source: SourceConfig): Need[] {
  if ('camera' in source) {
    return source.camera === 'test' ? [] : [{ path: source.camera, mode: 'device' }];
  }
  if ('video' in source) {
    return schemeOf(source.video) === undefined ? [{ path: source.video, mode: 'read' }] : [];
  }
  if ('folder' in source) return [{ path: source.folder, mode: 'write' }];
  if ('microphone' in source) return [];
  if ('wav' in source) return [{ path: source.wav, mode: 'read' }];
  if ('csv' in source) return source.csv === 'stdin' ? [] : [{ path: source.csv, mode: 'read' }];
  return mqttNeeds(source.mqtt);
}

function sinkNeeds(sink: SinkConfig): Need[] {
  if ('jsonl' in sink) return [{ path: sink.jsonl, mode: 'create' }];
  if ('mqtt' in sink) return mqttNeeds(sink.mqtt);
  return sink.secretFile === undefined ? [] : [{ path: sink.secretFile, mode: 'read' }];
}

const mqttNeeds = ({ passwordFile }: MqttConfig): Need[] =>
  passwordFile === undefined ? [] : [{ path: passwordFile, mode: 'read' }];

const REMEDIES = {
  read: 'put it there, and let the user of the agent read it',
  write: 'make it, and let the user of the agent write to it',
  create: 'choose another place, or let the user of the agent write there',
  device:
    'plug it in, look with flotilla-agent doctor, and put the user of the agent in the group video',
} as const satisfies Record<Need['mode'], string>;

async function faultOf({ path, mode }: Need, folder: string) {
  try {
    await look(resolve(folder, path), mode);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''] ?? message;
    return fail(`${path} cannot be used: ${reason}`, REMEDIES[mode]);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is none',
  EACCES: 'this user may not',
  ENOTDIR: 'a folder on the way is a file',
};

async function look(path: string, mode: Need['mode']): Promise<void> {
  if (mode === 'read') return access(path, constants.R_OK);
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    // it is made, with the folders on the way
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (mode !== 'create' || !missing || path === dirname(path)) throw error;
    return look(dirname(path), mode);
  }
}

/** Kind and place, without secrets. */
function describe(part: SourceConfig | SinkConfig): string {
  if ('mqtt' in part) return `mqtt ${shownUrl(part.mqtt.url)} ${part.mqtt.topic}`;
  const [kind = '', value] =
    Object.entries(part).find(([key]) => key in SOURCES || key in SINKS) ?? [];
  const text = String(value);
  return `${kind} ${text.includes('://') ? shownUrl(text) : text}`;
}
