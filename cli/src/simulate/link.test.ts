import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openLink } from './link.ts';

test('a broker that takes the connection and says nothing is given up', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  let closed = 0;
  const opening = openLink({
    ...{ url: `mqtt://127.0.0.1:${port}`, clientId: 'd', username: 'u', password: 'p' },
    ...{ keepaliveS: 60, patienceMs: 100, subscriptions: ['a'] },
    will: { topic: 'w', payload: Uint8Array.of(1) },
    onMessage: () => undefined,
    onClose: () => closed++,
  });
  await expect(opening).rejects.toThrow('the broker is silent');
  expect(closed).toBe(1);
});
