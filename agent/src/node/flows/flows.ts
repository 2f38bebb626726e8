import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Agent, Logger } from '../../core/index.ts';
import { createMqttTransport } from '../mqtt-transport.ts';
import { systemClock } from '../system-clock.ts';
import { csvSource } from './csv-source.ts';
import { startFlow } from './flow.ts';
import type { FlowStatus } from './flow-status.ts';
import { folderSource } from './folder-source.ts';
import { cameraSource, videoSource } from './frame-source.ts';
import { jsonlSink } from './jsonl-sink.ts';
import { inputOf } from './model-user.ts';
import { mqttSink } from './mqtt-sink.ts';
import { mqttSource } from './mqtt-source.ts';
import { readFlows } from './parse.ts';
import type { FlowConfig, SinkConfig, SourceConfig } from './schema.ts';
import type { Sink, SinkPorts } from './sink.ts';
import { microphoneSource, wavSource } from './sound-source.ts';
import type { Source, SourcePorts } from './source.ts';
import { webhookSink } from './webhook-sink.ts';

/** The flows of a device. */
export interface Flows {
  status(): FlowsStatus;
  /** Ends sources, gives sinks a moment for what waits. */
  stop(): Promise<void>;
}

export interface FlowsStatus {
  readonly flows: readonly FlowStatus[];
  /** Why the device runs none of its flows. */
  readonly flowsError?: string;
}

export interface FlowsOptions {
  readonly agent: Pick<Agent, 'infer' | 'model' | 'unresponsive' | 'remember'>;
  readonly logger: Logger;
  readonly stdin: () => Readable;
}

/**
 * Starts the flows of a file. Paths in it are named from its folder.
 *
 * @throws FlotillaError `flows.unreadable`, `flows.invalid`
 */
export async function startFlows(file: string, options: FlowsOptions): Promise<Flows> {
  const configs = await readFlows(file);
  const ports = {
    ...options,
    folder: dirname(resolve(file)),
    clock: systemClock,
    random: Math.random,
    transport: createMqttTransport(),
    run: randomBytes(6).toString('hex'),
  };
  // all is made before anything runs: where one flow cannot be, none is left running
  const made = configs.map((config: FlowConfig) => {
    const sinks = config.sinks.map((sink) => makeSink(sink, ports));
    const use = { agent: options.agent, slot: config.model, input: config.input };
    const source = makeSource(config.source, { ...ports, input: () => inputOf(use).spec });
    return { config, source, sinks };
  });
  const flows = made.map(({ config, source, sinks }) => startFlow(config, source, sinks, ports));
  return {
    status: () => ({ flows: flows.map((flow) => flow.status()) }),
    async stop() {
      await Promise.all(flows.map((flow) => flow.stop()));
    },
  };
}

function makeSource(config: SourceConfig, ports: SourcePorts): Source {
  if ('camera' in config) return cameraSource(config, ports);
  if ('video' in config) return videoSource(config, ports);
  if ('folder' in config) return folderSource(config, ports);
  if ('microphone' in config) return microphoneSource(config, ports);
  if ('wav' in config) return wavSource(config, ports);
  if ('csv' in config) return csvSource(config, ports);
  return mqttSource(config, ports);
}

function makeSink(config: SinkConfig, ports: SinkPorts): Sink {
  if ('jsonl' in config) return jsonlSink(config, ports);
  if ('webhook' in config) return webhookSink(config, ports);
  return mqttSink(config, ports);
}
