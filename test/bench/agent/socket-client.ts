import { Agent, request } from 'node:http';

/** Infers over one connection of a Unix socket that is kept alive. */
export interface SocketClient {
  /** @returns milliseconds until the whole answer was there */
  infer(request: InferRequest): Promise<number>;
  close(): void;
}

export interface InferRequest {
  readonly head: Buffer;
  readonly body: Buffer;
}

export const TENSOR_BYTES = 110_592;

/** A tensor of the parts model in binary, and its answer in binary. */
export const tensorRequest = (): InferRequest =>
  requestOf('FP32', [1, 3, 96, 96], Buffer.alloc(TENSOR_BYTES));

/** An encoded image. */
export function imageRequest(image: Uint8Array): InferRequest {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(image.length);
  return requestOf('BYTES', [1], Buffer.concat([length, image]));
}

function requestOf(datatype: string, shape: readonly number[], bytes: Buffer): InferRequest {
  const parameters = { binary_data_size: bytes.length };
  const inputs = [{ name: 'image', datatype, shape, parameters }];
  const head = Buffer.from(JSON.stringify({ parameters: { binary_data_output: true }, inputs }));
  return { head, body: Buffer.concat([head, bytes]) };
}

export function connectSocket(socketPath: string): SocketClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    infer({ head, body }) {
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': body.length,
        'inference-header-content-length': head.length,
      };
      const path = '/v2/models/parts/infer';
      return new Promise((resolve, reject) => {
        const began = performance.now();
        const call = request({ agent, socketPath, method: 'POST', path, headers }, (response) => {
          response.on('error', reject).on('end', () => {
            if (response.statusCode === 200) resolve(performance.now() - began);
            else reject(new Error(`the agent answered ${response.statusCode}`));
          });
          response.resume();
        });
        call.on('error', reject).end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
