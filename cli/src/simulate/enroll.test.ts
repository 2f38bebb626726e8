import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { enrollDevices } from './enroll.ts';

/** A server that takes so many devices in and refuses the next, before the last of them has its answer. */
async function startServer(takes: number) {
  let asked = 0;
  let enrolled = 0;
  const server = createServer((request, response) => {
    request.resume();
    const isTaken = ++asked <= takes;
    if (isTaken) enrolled++;
    response.statusCode = isTaken ? 201 : 403;
    const body = isTaken
      ? { fleet: 'f', device: `d${asked}`, api: 'http://x', mqtt: { url: '', username: '' } }
      : { detail: 'used up' };
    setTimeout(() => response.end(JSON.stringify(body)), isTaken ? 100 : 0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, enrolled: () => enrolled, asked: () => asked };
}

test('every device that the server took in is kept, though another was refused', async () => {
  const server = await startServer(10);
  const kept: string[] = [];
  const devices = Array.from({ length: 100 }, (_, index) => ({
    index,
    profile: { name: `sim-${index}`, target: 'x86-64', tags: {}, timeZone: '' },
  }));
  const enrolling = enrollDevices({
    ...{ server: server.url, claim: 'c', devices, signal: new AbortController().signal },
    enrolled: ({ identity }) => void kept.push(identity.device),
  });
  await expect(enrolling).rejects.toMatchObject({ code: 'agent.enroll-refused' });
  expect(kept).toHaveLength(server.enrolled());
  // nobody asks on in vain
  expect(server.asked()).toBeLessThanOrEqual(16);
});
