import { FlotillaError } from '@flotilla/protocol';
import type { Agent, LoadedModel } from '../../core/index.ts';
import { type HttpAnswer, type HttpRequest, jsonAnswer, type Route } from '../http/route.ts';
import { readInferRequest } from './request.ts';
import { writeInferResponse } from './response.ts';

type Models = Pick<Agent, 'slots' | 'model' | 'infer'>;

const HEAD_LENGTH = 'inference-header-content-length';

/** A slot is a model here; each route is there with the version in the path and without. */
export const modelRoutes = (agent: Models): readonly Route[] =>
  ['/v2/models/:slot', '/v2/models/:slot/versions/:version'].flatMap((path): Route[] => [
    {
      method: 'GET',
      path,
      handle: ({ params }) => {
        const { slot = '' } = params;
        return jsonAnswer(describe(slot, findModel(agent, params)));
      },
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

/** @throws FlotillaError `infer.no-slot` where no model runs there, or another version */
function findModel(agent: Models, { slot = '', version }: HttpRequest['params']): LoadedModel {
  const model = agent.model(slot);
  const other = version !== undefined && version !== String(model?.installed.version);
  if (model !== undefined && !other) return model;
  const known = agent.slots.join(', ') || 'none yet';
  const asked = version === undefined ? slot : `${slot} version ${version}`;
  throw new FlotillaError('infer.no-slot', { slot: asked.slice(0, 80), known });
}

async function infer(agent: Models, { params, headers, body }: HttpRequest): Promise<HttpAnswer> {
  const { slot = '' } = params;
  findModel(agent, params);
  const text = headers[HEAD_LENGTH];
  const request = readInferRequest(body, text === undefined ? undefined : Number(text));
  const inference = await agent.infer(slot, request.inputs);
  const { contentType, headLength, body: written } = writeInferResponse(slot, request, inference);
  const type = { 'content-type': contentType };
  const whole = headLength === undefined ? type : { ...type, [HEAD_LENGTH]: headLength };
  return { status: 200, headers: whole, body: written };
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
