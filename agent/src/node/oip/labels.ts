import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Agent, Truth } from '../../core/index.ts';
import { jsonAnswer, type Route } from '../http/route.ts';
import { bad } from './bad-request.ts';

const MOST_SAMPLES = 4096;
const Name = Type.String({ minLength: 1, maxLength: 512 });
const Index = Type.Integer({ minimum: 0, maximum: 2 ** 31 });

const LabelRequest = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 256 }),
    label: Type.Optional(Type.Union([Name, Type.Array(Name, { maxItems: MOST_SAMPLES })])),
    index: Type.Optional(Type.Union([Index, Type.Array(Index, { maxItems: MOST_SAMPLES })])),
  },
  { additionalProperties: false },
);
type LabelRequest = Static<typeof LabelRequest>;

/** Takes what a sample truly was, for the inference whose answer had that id. */
export const labelRoute = (agent: Pick<Agent, 'label'>): Route => ({
  method: 'POST',
  path: '/v2/models/:slot/labels',
  handle({ params, body }) {
    const request = readRequest(body);
    const { id } = request;
    return jsonAnswer({ id, ...agent.label(params.slot ?? '', id, truthOf(request)) });
  },
});

function readRequest(body: Uint8Array): LabelRequest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw bad('JSON', 'the request is not JSON');
  }
  if (Value.Check(LabelRequest, value)) return value;
  const [first] = Value.Errors(LabelRequest, value);
  throw bad(first?.instancePath || 'request', first?.message ?? 'is malformed');
}

function truthOf({ label, index }: LabelRequest): Truth | Truth[] {
  if (label !== undefined && index === undefined) return label;
  if (index !== undefined && label === undefined) return index;
  throw bad('request', 'give either label or index');
}
