import { randomUUID } from 'node:crypto';
import type { Agent } from '../../core/index.ts';
import { type HttpAnswer, type HttpRequest, jsonAnswer, type Route } from '../http/route.ts';
import { configurationOf, metadataOf } from './describe.ts';
import { findModel, MODEL_PATHS } from './find-model.ts';
import { readInferRequest } from './request.ts';
import { writeInferResponse } from './response.ts';

type Models = Pick<Agent, 'slots' | 'model' | 'infer' | 'remember'>;

const HEAD_LENGTH = 'inference-header-content-length';

/** What a model is, whether it is ready, and inference. */
export const modelRoutes = (agent: Models): readonly Route[] =>
  MODEL_PATHS.flatMap((path): Route[] => [
    {
      method: 'GET',
      path,
      handle: ({ params }) => jsonAnswer(metadataOf(params.slot ?? '', findModel(agent, params))),
    },
    {
      method: 'GET',
      path: `${path}/config`,
      handle: ({ params }) =>
        jsonAnswer(configurationOf(params.slot ?? '', findModel(agent, params))),
    },
    {
      method: 'GET',
      path: `${path}/ready`,
      handle: ({ params }) => {
        findModel(agent, params);
        return jsonAnswer({ name: params.slot, ready: true });
      },
    },
    { method: 'POST', path: `${path}/infer`, handle: (request) => infer(agent, request) },
  ]);

async function infer(agent: Models, { params, headers, body }: HttpRequest): Promise<HttpAnswer> {
  const { slot = '' } = params;
  const { bundle } = findModel(agent, params);
  const text = headers[HEAD_LENGTH];
  const request = readInferRequest(body, text === undefined ? undefined : Number(text));
  const inference = await agent.infer(slot, request.inputs);
  // by it a label may come later
  const id = request.id || randomUUID();
  agent.remember(slot, id, inference);
  const answer = writeInferResponse(slot, { ...request, id }, inference, bundle);
  const type = { 'content-type': answer.contentType };
  const { headLength } = answer;
  const whole = headLength === undefined ? type : { ...type, [HEAD_LENGTH]: headLength };
  return { status: 200, headers: whole, body: answer.body };
}
