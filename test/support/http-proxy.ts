import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A relay in front of a fleet server that may change what it answers. */
export interface HttpProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** Other bytes of the same length, or the first ones of an answer of which no more come. */
export type Altered = Buffer | { readonly only: Buffer };

/** @param alter gets the path and body of each answer, and the range that was asked for */
export async function startHttpProxy(
  serverPort: () => number,
  alter: (path: string, body: Buffer, range: string | undefined) => Altered,
): Promise<HttpProxy> {
  const proxy = createServer((incoming, outgoing) => {
    const { method, headers, url: path = '/' } = incoming;
    const target = { host: '127.0.0.1', port: serverPort(), method, headers, path };
    const onward = request(target, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      const altered = alter(path, Buffer.concat(chunks), headers.range);
      if ('only' in altered) outgoing.write(altered.only);
      else outgoing.end(altered);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      proxy.close();
      proxy.closeAllConnections();
      await once(proxy, 'close');
    },
  };
}
