import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import type { Agent } from '../core/index.ts';
import type { NodeAgentOptions } from './create-agent.ts';
import { createRouter } from './http/router.ts';
import { findAgent } from './local-client.ts';
import { modelRoutes } from './oip/models.ts';
import { openCommitted } from './open-committed.ts';

/** Asks for inference by the Open Inference Protocol, of a running agent or in this process. */
export interface InferClient {
  /**
   * @param body of a POST; without one it is a GET
   * @throws FlotillaError `infer.no-slot`, `infer.bad-request` with what the agent said
   */
  ask(path: string, body?: object): Promise<unknown>;
  close(): Promise<void>;
}

/** Where no agent runs on the folder, the committed model of the slot is loaded here. */
export async function openInferClient(
  slot: string,
  options: NodeAgentOptions,
): Promise<InferClient> {
  const agent = await findAgent(options.data);
  if (agent === undefined) return clientHere(slot, options);
  return {
    async ask(path, body) {
      const answer = await agent.ask({
        method: body === undefined ? 'GET' : 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
      });
      const value: unknown = JSON.parse(answer.body.toString());
      if (answer.status === 200) return value;
      const { error } = value as { error?: unknown };
      throw new FlotillaError('infer.bad-request', { where: slot, reason: String(error) });
    },
    close: async () => undefined,
  };
}

async function clientHere(slot: string, options: NodeAgentOptions): Promise<InferClient> {
  const model = await openCommitted(slot, options);
  const models: Pick<Agent, 'slots' | 'model' | 'infer' | 'remember'> = {
    slots: [slot],
    model: (name) => (name === slot ? model : undefined),
    infer: (_, inputs) => model.infer(inputs),
    // this process ends with its answers
    remember: () => undefined,
  };
  const router = createRouter(modelRoutes(models));
  return {
    async ask(path, body) {
      const { route, params } = router.match(body === undefined ? 'GET' : 'POST', path);
      if (!('handle' in route)) throw new TypeError(`${path} takes a stream`);
      const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
      try {
        const answer = await route.handle({ params, headers: {}, body: bytes });
        return JSON.parse(Buffer.from(answer.body).toString());
      } catch (error) {
        const reason = asFlotillaError(error).message;
        throw new FlotillaError('infer.bad-request', { where: slot, reason }, { cause: error });
      }
    },
    close: () => model.dispose(),
  };
}
