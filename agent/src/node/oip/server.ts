import { lstat, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import type { Agent, LoadedModel } from '../../core/index.ts';
import { usage } from '../config.ts';
import { AGENT_VERSION } from '../version.ts';
import { readInferRequest } from './request.ts';
import { writeInferResponse } from './response.ts';

export interface InferenceServer {
  /** `http://127.0.0.1:PORT` or `unix:PATH` */
  readonly address: string;
  close(): Promise<void>;
}

export interface InferenceServerOptions {
  /** `HOST:PORT` (port 0 is any) or `unix:PATH`. */
  readonly listen: string;
  readonly maxRequestBytes: number;
}

/** There is no log-in: whoever reaches the address may use the models. */
const LOOPBACK = /^(?:http:\/\/)?(localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})$/;
const HEAD_LENGTH = 'inference-header-content-length';
const EXTENSIONS = ['binary_tensor_data'];

/**
 * Serves the agent's models by the Open Inference Protocol v2, so that Triton and KServe clients
 * work; a slot is a model there.
 *
 * @throws FlotillaError `agent.port-in-use`, `cli.usage`
 */
export async function serveInference(
  agent: Agent,
  { listen, maxRequestBytes }: InferenceServerOptions,
): Promise<InferenceServer> {
  const server = Fastify({ bodyLimit: maxRequestBytes, forceCloseConnections: 'idle' });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    ['application/json', 'application/octet-stream'],
    { parseAs: 'buffer' },
    (_request, body, done) => done(null, body),
  );
  server.setErrorHandler((error: FastifyError, request, reply) =>
    sendError(reply, error, request.raw.headers['content-length'], maxRequestBytes),
  );
  server.setNotFoundHandler((request, reply) =>
    reply.status(404).send({ error: `there is no ${request.method} ${request.url.slice(0, 120)}` }),
  );
  addHealth(server, agent);
  addModels(server, agent);
  const address = await open(server, listen);
  return { address, close: () => server.close() };
}

function addHealth(server: FastifyInstance, agent: Agent): void {
  server.get('/v2', () => ({
    name: 'flotilla-agent',
    version: AGENT_VERSION,
    extensions: EXTENSIONS,
  }));
  server.get('/v2/health/live', () => ({ live: true }));
  server.get('/v2/health/ready', (_request, reply) => {
    const ready = agent.slots.length > 0;
    return reply.status(ready ? 200 : 503).send({ ready });
  });
  server.get('/flotilla/1/status', () => agent.status());
}

interface ModelParams {
  readonly slot: string;
  readonly version?: string;
}

function addModels(server: FastifyInstance, agent: Agent): void {
  const find = ({ slot, version }: ModelParams): LoadedModel => {
    const model = agent.model(slot);
    const other = version !== undefined && version !== String(model?.installed.version);
    if (model !== undefined && !other) return model;
    const known = agent.slots.join(', ') || 'none yet';
    const asked = version === undefined ? slot : `${slot} version ${version}`;
    throw new FlotillaError('infer.no-slot', { slot: asked.slice(0, 80), known });
  };
  for (const base of ['/v2/models/:slot', '/v2/models/:slot/versions/:version']) {
    server.get<{ Params: ModelParams }>(base, ({ params }) => describe(params.slot, find(params)));
    server.get<{ Params: ModelParams }>(`${base}/ready`, ({ params }, reply) => {
      const ready = agent.model(params.slot) !== undefined;
      return reply.status(ready ? 200 : 404).send({ name: params.slot, ready });
    });
    server.post<{ Params: ModelParams; Body: Uint8Array | undefined }>(
      `${base}/infer`,
      async ({ params, body, headers }, reply) => {
        const { slot } = params;
        find(params);
        const text = headers[HEAD_LENGTH];
        const length = text === undefined ? undefined : Number(text);
        const request = readInferRequest(body ?? new Uint8Array(), length);
        const inference = await agent.infer(slot, request.inputs);
        const response = writeInferResponse(slot, request, inference);
        if (response.headLength !== undefined) reply.header(HEAD_LENGTH, response.headLength);
        return reply.type(response.contentType).send(Buffer.from(response.body));
      },
    );
  }
}

function describe(slot: string, { installed, inputs, outputs }: LoadedModel) {
  const tensor = ({ name, type, shape }: LoadedModel['inputs'][number]) => ({
    name,
    datatype: type,
    shape,
  });
  return {
    name: slot,
    versions: [String(installed.version)],
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(tensor),
    outputs: outputs.map(tensor),
  };
}

function sendError(
  reply: FastifyReply,
  error: FastifyError,
  length: string | undefined,
  limit: number,
): FastifyReply {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const bytes = Number(length ?? limit);
    const large = new FlotillaError('infer.too-large', { what: 'the request', bytes, limit });
    return reply.status(large.status).send({ error: large.message });
  }
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return reply.status(error.statusCode).send({ error: error.message });
  }
  const known = asFlotillaError(error);
  return reply.status(known.status).send({ error: known.message, code: known.code });
}

async function open(server: FastifyInstance, listen: string): Promise<string> {
  try {
    if (listen.startsWith('unix:')) {
      const path = listen.slice('unix:'.length);
      await clearSocket(path);
      await server.listen({ path });
      return listen;
    }
    const [, host, port] = LOOPBACK.exec(listen) ?? [];
    if (host === undefined || Number(port) > 65_535) {
      throw usage(`--http takes 127.0.0.1:PORT or unix:PATH, not ${listen.slice(0, 120)}`);
    }
    return await server.listen({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
  } catch (cause) {
    const inUse = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (!inUse) throw cause;
    throw new FlotillaError('agent.port-in-use', { address: listen }, { cause });
  }
}

/** A socket that a killed agent left behind is removed; one that somebody answers on is not. */
async function clearSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isSocket()) return;
  const answered = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
  if (!answered) await rm(path, { force: true });
}
