import { readFile, stat } from 'node:fs/promises';
import { explain, readYaml } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { isAddress, STREAMS, schemeOf } from './address.ts';
import {
  type FlowConfig,
  FlowsDocument,
  FlowsOutline,
  MAX_FLOWS_BYTES,
  SINKS,
  SOURCES,
} from './schema.ts';

/**
 * Reads the file that says which flows a device runs.
 *
 * @throws FlotillaError `flows.unreadable`, `flows.invalid` naming the line and the key
 */
export async function readFlows(file: string): Promise<FlowConfig[]> {
  const fail = (reason: string): never => {
    throw new FlotillaError('flows.unreadable', { file, reason });
  };
  try {
    const { size } = await stat(file);
    if (size > MAX_FLOWS_BYTES) return fail(`it is larger than ${MAX_FLOWS_BYTES / 1024} KB`);
    return parseFlows(await readFile(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof FlotillaError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    return fail(code ?? message);
  }
}

/**
 * @param file its name, for messages
 * @throws FlotillaError `flows.invalid`
 */
export function parseFlows(text: string, file: string): FlowConfig[] {
  const complain = (where: string, reason: string): never => {
    throw new FlotillaError('flows.invalid', { file, where, reason });
  };
  const { value, lineOf } = readYaml(text, MAX_FLOWS_BYTES, complain);
  const at = (path: string, reason: string): never =>
    complain(`line ${lineOf(path.split('.'))}: ${path}`, reason);
  const fault = faultOf(value);
  if (fault !== undefined) return at(...fault);
  if (!isDocument(value)) return at(...explain(FlowsDocument, value));
  checkWhole(value.flows, at);
  return value.flows;
}

const isDocument = (value: unknown): value is { flows: FlowConfig[] } =>
  Value.Check(FlowsDocument, value);

const isOutline = (value: unknown): value is FlowsOutline => Value.Check(FlowsOutline, value);

type Fault = readonly [path: string, reason: string];
type Schemas = Readonly<Record<string, Type.TSchema>>;

function faultOf(value: unknown): Fault | undefined {
  if (!isOutline(value)) return explain(FlowsOutline, value);
  for (const [i, { source, sinks }] of value.flows.entries()) {
    const parts = [
      faultIn(SOURCES, source, `flows.${i}.source`),
      ...sinks.map((sink, k) => faultIn(SINKS, sink, `flows.${i}.sinks.${k}`)),
    ];
    const found = parts.find((part) => part !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The key that tells the kind chooses the schema, so that the message is about that kind. */
function faultIn(schemas: Schemas, value: Record<string, unknown>, path: string) {
  const [kind, second] = Object.keys(schemas).filter((key) => Object.hasOwn(value, key));
  const schema = kind === undefined ? undefined : schemas[kind];
  if (kind === undefined || schema === undefined) {
    const keys = Object.keys(value).slice(0, 5).join(', ') || 'nothing';
    return [path, `needs one of ${Object.keys(schemas).join(', ')}; found ${keys}`] as const;
  }
  if (second !== undefined) {
    return [path, `has both ${kind} and ${second}: give each a flow of its own`] as const;
  }
  if (Value.Check(schema, value)) return undefined;
  const [where, reason] = explain(schema, value);
  return [where === 'the document' ? path : `${path}.${where}`, reason] as const;
}

/** What no schema says: names are given once, standard input is read once, settings fit together. */
function checkWhole(flows: readonly FlowConfig[], at: (path: string, reason: string) => never) {
  const names = new Set<string>();
  let stdin = false;
  for (const [i, { name, source, sinks }] of flows.entries()) {
    if (names.has(name)) at(`flows.${i}.name`, `${name} is the name of another flow too`);
    names.add(name);
    if ('csv' in source && source.csv === 'stdin') {
      if (stdin) at(`flows.${i}.source.csv`, 'stdin is read by another flow already');
      stdin = true;
    }
    if ('mqtt' in source) checkMqtt(source.mqtt, `flows.${i}.source.mqtt`, at);
    if ('video' in source) checkVideo(source, `flows.${i}.source`, at);
    for (const [k, sink] of sinks.entries()) {
      const path = `flows.${i}.sinks.${k}`;
      if ('mqtt' in sink) checkMqtt(sink.mqtt, `${path}.mqtt`, at);
      if ('webhook' in sink && sink.secret !== undefined && sink.secretFile !== undefined) {
        at(`${path}.secretFile`, 'and secret are both given: keep one');
      }
      if ('webhook' in sink && !isAddress(sink.webhook)) {
        at(`${path}.webhook`, 'must be the address that results are posted to: https://HOST/PATH');
      }
    }
  }
}

function checkMqtt(
  mqtt: { url: string; password?: string; passwordFile?: string },
  path: string,
  at: (path: string, reason: string) => never,
): void {
  if (!isAddress(mqtt.url))
    at(`${path}.url`, 'must be the address of a broker, with a % in its log-in written as %25');
  if (mqtt.password !== undefined && mqtt.passwordFile !== undefined) {
    at(`${path}.passwordFile`, 'and password are both given: keep one');
  }
}

function checkVideo(
  source: { video: string; realtime?: boolean; loop?: boolean },
  path: string,
  at: (path: string, reason: string) => never,
): void {
  const scheme = schemeOf(source.video);
  if (scheme === undefined) return;
  if (!STREAMS.includes(scheme)) {
    at(`${path}.video`, `must be a file or a stream of ${STREAMS.join(', ')}, not ${scheme}`);
  }
  if (!isAddress(source.video)) at(`${path}.video`, 'is not an address');
  for (const key of ['realtime', 'loop'] as const) {
    if (source[key] !== undefined) at(`${path}.${key}`, 'is for files: leave it out for a stream');
  }
}
